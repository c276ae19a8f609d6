package dev.millrace.problem;

/// A position in the file. Lines and columns count from 1; columns count code points, as editors
/// do. Immutable.
public record Position(String file, int line, int column) implements Comparable<Position> {

    public Position {
        if (line < 1 || column < 1) {
            throw new IllegalArgumentException(
                    "lines and columns count from 1, got " + line + ":" + column);
        }
    }

    @Override
    public int compareTo(Position other) {
        return line == other.line
                ? Integer.compare(column, other.column)
                : Integer.compare(line, other.line);
    }

    @Override
    public String toString() {
        return file + ":" + line + ":" + column;
    }
}
