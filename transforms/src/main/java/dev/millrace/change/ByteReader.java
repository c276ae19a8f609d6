package dev.millrace.change;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Reads the format of [ByteWriter]. Throws [IllegalArgumentException] with the position for
/// malformed input. Not thread-safe; used for one record.
final class ByteReader {

    private final byte[] buffer;
    private int position;

    ByteReader(byte[] buffer) {
        this.buffer = buffer;
    }

    int one() {
        need(1);
        return buffer[position++] & 0xFF;
    }

    long number() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int next = one();
            value |= (long) (next & 0x7F) << shift;
            if ((next & 0x80) == 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number is longer than 64 bits at byte " + position);
    }

    long signed() {
        long value = number();
        return value >>> 1 ^ -(value & 1);
    }

    int length() {
        long length = number();
        if (length < 0 || length > buffer.length + 2L) {
            throw new IllegalArgumentException("invalid length " + length + " at byte " + position);
        }
        return (int) length;
    }

    /// The array that is read; slices of it are shared with rows.
    byte[] buffer() {
        return buffer;
    }

    /// Skips bytes and returns the position of the first of them.
    int skip(int length) {
        need(length);
        int start = position;
        position += length;
        return start;
    }

    byte[] bytes() {
        int length = length();
        int start = skip(length);
        return Arrays.copyOfRange(buffer, start, start + length);
    }

    String string() {
        return string(length());
    }

    String string(int length) {
        need(length);
        String text = new String(buffer, position, length, StandardCharsets.UTF_8);
        position += length;
        return text;
    }

    void end() {
        if (position != buffer.length) {
            throw new IllegalArgumentException(
                    buffer.length - position + " bytes after the end of the record");
        }
    }

    private void need(int count) {
        if (count < 0 || position + count > buffer.length) {
            throw new IllegalArgumentException(
                    "the record ends at byte " + buffer.length + ", " + count + " more are needed");
        }
    }
}
