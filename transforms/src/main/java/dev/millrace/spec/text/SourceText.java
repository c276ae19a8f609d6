package dev.millrace.spec.text;

import dev.millrace.problem.Position;
import java.util.Optional;
import org.snakeyaml.engine.v2.exceptions.Mark;

/// The file's text by code points, with the line and column of each. Immutable.
public final class SourceText {

    private static final int BYTE_ORDER_MARK = 0xFEFF;

    private final String file;
    private final int[] codePoints;
    private final int[] lines;
    private final int[] columns;

    public SourceText(String file, String text) {
        this.file = file;
        String content =
                !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
        codePoints = content.codePoints().toArray();
        lines = new int[codePoints.length + 1];
        columns = new int[codePoints.length + 1];
        int line = 1;
        int column = 1;
        for (int i = 0; i <= codePoints.length; i++) {
            lines[i] = line;
            columns[i] = column;
            if (i < codePoints.length && endsLine(i)) {
                line++;
                column = 1;
            } else {
                column++;
            }
        }
    }

    public String file() {
        return file;
    }

    public String text() {
        return new String(codePoints, 0, codePoints.length);
    }

    public int length() {
        return codePoints.length;
    }

    /// The code point at an index, or -1 past the end.
    public int codePoint(int index) {
        return index < codePoints.length ? codePoints[index] : -1;
    }

    public boolean isBlank(int index) {
        int c = codePoint(index);
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
    }

    public int line(int index) {
        return lines[Math.clamp(index, 0, codePoints.length)];
    }

    public int column(int index) {
        return columns[Math.clamp(index, 0, codePoints.length)];
    }

    public Position at(int index) {
        return new Position(file, line(index), column(index));
    }

    public Position at(Optional<Mark> mark) {
        return at(mark.map(Mark::getIndex).orElse(0));
    }

    /// The rest of the line, starting at an index.
    public String restOfLine(int index) {
        int end = index;
        while (end < codePoints.length && codePoints[end] != '\n' && codePoints[end] != '\r') {
            end++;
        }
        return index >= end ? "" : new String(codePoints, index, end - index);
    }

    private boolean endsLine(int index) {
        return codePoints[index] == '\n'
                || (codePoints[index] == '\r' && codePoint(index + 1) != '\n');
    }
}
