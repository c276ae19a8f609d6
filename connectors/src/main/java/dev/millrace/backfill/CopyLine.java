package dev.millrace.backfill;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;

/// One line of COPY's text format, with the position of the row as its first field. Parses bytes:
/// no cell becomes a `String`. Confined to the reader's thread; overwrites the array that it
/// parses.
final class CopyLine {

    private final byte[] line;
    private int at;

    /// @param line one row as the server sends it, with its newline
    CopyLine(byte[] line) {
        this.line = line;
    }

    /// Parses the first field, `(page,line)`.
    long tid() {
        expect('(');
        long page = number();
        expect(',');
        long number = number();
        expect(')');
        expect('\t');
        return TidRange.tid(page, (int) number);
    }

    private long number() {
        long number = 0;
        int start = at;
        while (line[at] >= '0' && line[at] <= '9') {
            number = 10 * number + line[at++] - '0';
        }
        if (at == start) {
            throw unreadable();
        }
        return number;
    }

    /// Parses the remaining fields as the cells of a row.
    Row row(RowSchema schema) {
        Row.Builder row = new Row.Builder(schema);
        for (int i = 0; i < schema.size(); i++) {
            if (i > 0) {
                expect('\t');
            }
            cell(row, i);
        }
        expect('\n');
        return row.build();
    }

    /// An escaped byte always stands for one byte, so the cell is unescaped in place.
    private void cell(Row.Builder row, int position) {
        int start = at;
        int end = at;
        boolean isNull = false;
        while (line[at] != '\t' && line[at] != '\n') {
            byte next = line[at++];
            if (next == '\\') {
                byte escaped = line[at++];
                isNull |= escaped == 'N';
                next = unescaped(escaped);
            }
            line[end++] = next;
        }
        if (!isNull) {
            row.bytes(position, line, start, end - start);
        }
    }

    private byte unescaped(byte escaped) {
        return switch (escaped) {
            case '\\', 'N' -> escaped;
            case 't' -> '\t';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'v' -> 0x0B;
            default -> throw unreadable();
        };
    }

    private void expect(char expected) {
        if (at >= line.length || line[at++] != expected) {
            throw unreadable();
        }
    }

    /// Without the line, which contains values.
    private IllegalStateException unreadable() {
        return new IllegalStateException(
                "The server sent a line of COPY that cannot be parsed, at byte " + at + ".");
    }
}
