package dev.millrace.apply;

import dev.millrace.change.Row;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/// Rows in the text format of COPY, as bytes in UTF-8: tab between cells, newline behind a row,
/// `\N` for NULL. Grows to what it is filled with and is emptied by its owner. For one thread.
final class CopyText {

    private byte[] buffer = new byte[1 << 16];
    private int size;

    /// @throws IllegalStateException when a cell is unchanged: COPY has no word for it
    void add(Row row, List<Integer> columns) {
        for (int i = 0; i < columns.size(); i++) {
            if (i > 0) {
                one('\t');
            }
            String text = row.text(columns.get(i));
            if (text == null) {
                one('\\');
                one('N');
            } else {
                escaped(text);
            }
        }
        one('\n');
    }

    byte[] buffer() {
        return buffer;
    }

    int size() {
        return size;
    }

    void clear() {
        size = 0;
    }

    /// In UTF-8 no byte of a longer character equals one of these four.
    private void escaped(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        room(2 * bytes.length);
        for (byte next : bytes) {
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
        room(1);
        buffer[size++] = (byte) next;
    }

    private void room(int more) {
        if (size + more > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, size + more));
        }
    }
}
