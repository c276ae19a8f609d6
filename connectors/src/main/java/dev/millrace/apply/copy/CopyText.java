package dev.millrace.apply.copy;

import dev.millrace.change.Row;
import java.util.Arrays;
import java.util.List;

/// A buffer of rows in the text format of COPY, in UTF-8: a tab between cells, a newline after each
/// row, `\N` for NULL. It grows as needed; the owner clears it. Not thread-safe.
public final class CopyText {

    private byte[] buffer = new byte[1 << 16];
    private int size;

    /// @throws IllegalStateException when a cell is unchanged, which COPY cannot express
    public void add(Row row, List<Integer> columns) {
        for (int i = 0; i < columns.size(); i++) {
            if (i > 0) {
                one('\t');
            }
            int column = columns.get(i);
            if (row.isNull(column)) {
                one('\\');
                one('N');
            } else {
                row.read(column, this::escaped);
            }
        }
        one('\n');
    }

    public byte[] buffer() {
        return buffer;
    }

    public int size() {
        return size;
    }

    public void clear() {
        size = 0;
    }

    /// Escaping bytes is safe: in UTF-8 no byte of a multibyte character equals one of these four.
    private void escaped(byte[] bytes, int start, int length) {
        ensureCapacity(2 * length);
        for (int i = start; i < start + length; i++) {
            byte next = bytes[i];
            switch (next) {
                case '\\' -> pair('\\');
                case '\t' -> pair('t');
                case '\n' -> pair('n');
                case '\r' -> pair('r');
                default -> buffer[size++] = next;
            }
        }
    }

    private void pair(char second) {
        buffer[size++] = '\\';
        buffer[size++] = (byte) second;
    }

    private void one(char next) {
        ensureCapacity(1);
        buffer[size++] = (byte) next;
    }

    private void ensureCapacity(int more) {
        if (size + more > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, size + more));
        }
    }
}
