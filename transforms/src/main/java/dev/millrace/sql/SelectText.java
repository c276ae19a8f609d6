package dev.millrace.sql;

import dev.millrace.problem.Position;
import dev.millrace.problem.Problem;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The text of one SELECT, with the position in the file of each of its characters. A problem found
/// at an offset is thereby reported at its line and column, whatever YAML style and indentation the
/// text is written in. Immutable.
public final class SelectText {

    private final String path;
    private final String text;
    private final String file;
    private final int[] lines;
    private final int[] columns;
    private final @Nullable String hidden;

    /// Takes ownership of the arrays. Their entry `i` is the position of the character at offset
    /// `i`; the last entry is the end of the text.
    ///
    /// @param path path of the table's entry in the file, `tables["crm.customer"]`
    public SelectText(String path, String text, String file, int[] lines, int[] columns) {
        this(path, text, file, lines, columns, null);
    }

    private SelectText(
            String path,
            String text,
            String file,
            int[] lines,
            int[] columns,
            @Nullable String hidden) {
        if (lines.length != text.length() + 1 || columns.length != lines.length) {
            throw new IllegalArgumentException(
                    path + " needs one position for each character and one for the end");
        }
        this.path = path;
        this.text = text;
        this.file = file;
        this.lines = lines;
        this.columns = columns;
        this.hidden = hidden;
    }

    /// The same text, which contains values that nobody may see.
    ///
    /// @param shown the text with the names of the variables in place of their values
    public SelectText shownAs(String shown) {
        return new SelectText(path, text, file, lines, columns, shown);
    }

    /// The text for people; empty if it is [#text].
    public Optional<String> shown() {
        return Optional.ofNullable(hidden);
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

    /// Prints the text for people.
    @Override
    public String toString() {
        return hidden == null ? text : hidden;
    }
}
