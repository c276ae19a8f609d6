package dev.millrace.spec;

import java.util.Arrays;

/// Where each character of a SELECT stands in the file, so that what a parser finds at an offset is
/// shown at its line and column, whatever YAML style and indentation the text is written in.
/// Immutable.
public final class SelectText {

    private final String file;
    private final int[] lines;
    private final int[] columns;

    /// Entry `i` is the place of the character at offset `i`; the last one is the end of the text.
    SelectText(String file, int[] lines, int[] columns) {
        this.file = file;
        this.lines = lines;
        this.columns = columns;
    }

    /// A text that stands in the file unchanged, beginning at `start`.
    public static SelectText unchanged(String select, Position start) {
        int[] lines = new int[select.length() + 1];
        int[] columns = new int[select.length() + 1];
        int line = start.line();
        int column = start.column();
        for (int i = 0; i <= select.length(); i++) {
            lines[i] = line;
            columns[i] = column;
            if (i < select.length() && select.charAt(i) == '\n') {
                line++;
                column = 1;
            } else if (i < select.length() && !Character.isLowSurrogate(select.charAt(i))) {
                column++;
            }
        }
        return new SelectText(start.file(), lines, columns);
    }

    /// @param offset in characters (`String` indexes) from the start of the SELECT; one behind the
    ///   end names the end
    public Position at(int offset) {
        int inside = Math.clamp(offset, 0, lines.length - 1);
        return new Position(file, lines[inside], columns[inside]);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SelectText that
                && file.equals(that.file)
                && Arrays.equals(lines, that.lines)
                && Arrays.equals(columns, that.columns);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(lines) + Arrays.hashCode(columns);
    }

    @Override
    public String toString() {
        return "from " + at(0);
    }
}
