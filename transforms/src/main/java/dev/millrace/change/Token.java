package dev.millrace.change;

import java.util.Comparator;

/// Identifies one output of the row topology: the generation, the offset in the changes topic of
/// the record it came from, and the ordinal among the outputs of that record. Tokens are compared
/// strictly within one partition: a record whose token is not greater than the stored one was
/// already applied and is dropped. Immutable.
public record Token(int generation, long changesOffset, int ordinal) implements Comparable<Token> {

    private static final Comparator<Token> ORDER =
            Comparator.comparingInt(Token::generation)
                    .thenComparingLong(Token::changesOffset)
                    .thenComparingInt(Token::ordinal);

    /// Before the first output of the generation.
    public static Token none(int generation) {
        return new Token(generation, -1, 0);
    }

    @Override
    public int compareTo(Token other) {
        return ORDER.compare(this, other);
    }
}
