package dev.millrace.change;

import java.util.Comparator;

/// The place of a change in one partition of the changes topic: the generation, the offset of the
/// block, and the index of the change in the block. Every output of a change has the token of the
/// change. Tokens are compared strictly within one partition: an output whose token is not greater
/// than the stored one was already applied and is dropped. Immutable.
///
/// A token does not depend on the mappings or on how target blocks are cut, so a stored token means
/// the same after the mappings or the block size have changed.
public record Token(int generation, long changesOffset, int index) implements Comparable<Token> {

    private static final Comparator<Token> ORDER =
            Comparator.comparingInt(Token::generation)
                    .thenComparingLong(Token::changesOffset)
                    .thenComparingInt(Token::index);

    /// Before the first change of the generation.
    public static Token none(int generation) {
        return new Token(generation, -1, 0);
    }

    @Override
    public int compareTo(Token other) {
        return ORDER.compare(this, other);
    }
}
