package dev.millrace.sql;

import dev.millrace.problem.Position;
import dev.millrace.problem.Problem;
import java.util.Arrays;

/// The text of one SELECT, with the position in the file of each of its characters. A problem found
/// at an offset is thereby reported at its line and column, whatever YAML style and indentation the
/// text is written in. Immutable.
public final class SelectText {

    private final String path;
    private final String text;
    private final String shown;
    private final String file;
    private final int[] lines;
    private final int[] columns;

    /// Takes ownership of the arrays. Their entry `i` is the position of the character at offset
    /// `i`; the last entry is the end of the text.
    ///
    /// @param path path of the table's entry in the file, `tables["crm.customer"]`
    public SelectText(String path, String text, String file, int[] lines, int[] columns) {
        this(path, text, text, file, lines, columns);
    }

    private SelectText(
            String path, String text, String shown, String file, int[] lines, int[] columns) {
        if (lines.length != text.length() + 1 || columns.length != lines.length) {
            throw new IllegalArgumentException(
                    path + " needs one position for each character and one for the end");
        }
        this.path = path;
        this.text = text;
        this.shown = shown;
        this.file = file;
        this.lines = lines;
        this.columns = columns;
    }

    /// A text that is not in a file. Its positions count from its own beginning.
    public static SelectText of(String text) {
        return unchanged("", text, new Position("SELECT", 1, 1));
    }

    /// A text that is in the file unchanged, beginning at `start`.
    public static SelectText unchanged(String path, String text, Position start) {
        int[] lines = new int[text.length() + 1];
        int[] columns = new int[text.length() + 1];
        int line = start.line();
        int column = start.column();
        for (int i = 0; i <= text.length(); i++) {
            lines[i] = line;
            columns[i] = column;
            if (i < text.length() && text.charAt(i) == '\n') {
                line++;
                column = 1;
            } else if (i < text.length() && !Character.isLowSurrogate(text.charAt(i))) {
                column++;
            }
        }
        return new SelectText(path, text, start.file(), lines, columns);
    }

    /// A text that is not in the file itself: all of it has the position of the entry that implies
    /// it.
    public static SelectText implied(String path, String text, Position at) {
        int[] lines = new int[text.length() + 1];
        int[] columns = new int[text.length() + 1];
        Arrays.fill(lines, at.line());
        Arrays.fill(columns, at.column());
        return new SelectText(path, text, at.file(), lines, columns);
    }

    /// The same text, of which only another one may be shown, because it contains values of the
    /// environment.
    public SelectText shownAs(String asWritten) {
        return new SelectText(path, text, asWritten, file, lines, columns);
    }

    /// What people may see of the text: `${NAME}` instead of the value of a variable.
    public String shown() {
        return shown;
    }

    public String path() {
        return path;
    }

    public String text() {
        return text;
    }

    /// @param offset in `char`s from the start of the text; offsets past the end are the end
    public Position at(int offset) {
        int inside = Math.clamp(offset, 0, lines.length - 1);
        return new Position(file, lines[inside], columns[inside]);
    }

    /// A problem at the character with this offset.
    public Problem problem(int offset, String message, String remedy) {
        return new Problem(at(offset), path, message, remedy);
    }

    /// Prints what people may see of the text.
    @Override
    public String toString() {
        return shown;
    }
}
