package dev.millrace.change;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A growing byte buffer. Numbers are unsigned LEB128; signed numbers are zigzag-encoded first. Not
/// thread-safe.
final class ByteWriter {

    private byte[] buffer = new byte[256];
    private int size;

    void reset() {
        size = 0;
    }

    byte[] toBytes() {
        return Arrays.copyOf(buffer, size);
    }

    void one(int value) {
        reserve(1);
        buffer[size++] = (byte) value;
    }

    void number(long value) {
        reserve(10);
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            buffer[size++] = (byte) (rest & 0x7F | 0x80);
            rest >>>= 7;
        }
        buffer[size++] = (byte) rest;
    }

    void signed(long value) {
        number(value << 1 ^ value >> 63);
    }

    void raw(byte[] bytes, int start, int length) {
        reserve(length);
        System.arraycopy(bytes, start, buffer, size, length);
        size += length;
    }

    /// Appends everything that the other writer contains.
    void append(ByteWriter other) {
        raw(other.buffer, 0, other.size);
    }

    int size() {
        return size;
    }

    void bytes(byte[] bytes) {
        number(bytes.length);
        raw(bytes, 0, bytes.length);
    }

    void string(String text) {
        bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    private void reserve(int more) {
        if (size + more > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, size + more));
        }
    }
}
