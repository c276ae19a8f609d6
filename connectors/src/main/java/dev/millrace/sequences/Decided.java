package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.sequences.NextPosition.Decision;
import dev.millrace.sequences.NextPosition.Use;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.SequenceLinks.Link;
import dev.millrace.sequences.SequencePlan.Finding;
import dev.millrace.sequences.SequencePlan.Move;
import dev.millrace.sequences.SequencePlan.Position;
import dev.millrace.sequences.SequenceReader.Farthest;
import java.math.BigInteger;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// The decision on one sequence, with the facts that it rests on. Immutable.
record Decided(Link link, Use use, Decision decision) {

    private static Decided of(Link link, Use use, int margin) {
        return new Decided(link, use, NextPosition.of(use, margin));
    }

    /// Reads the facts and decides on each sequence. A sequence with a column that cannot be read
    /// is left out and reported.
    static List<Decided> of(
            List<Link> links,
            SequenceReader source,
            SequenceReader target,
            int margin,
            Readability words,
            List<Finding> findings)
            throws SQLException {
        Map<TableId, Position> ofSource =
                source.positions(
                        links.stream()
                                .flatMap(link -> link.sources().stream())
                                .map(Sequence::id)
                                .distinct()
                                .toList());
        Map<TableId, Position> ofTarget =
                target.positions(links.stream().map(link -> link.sequence().id()).toList());
        List<Decided> decided = new ArrayList<>();
        for (Link link : links) {
            Optional<List<NextPosition.Column>> columns = columns(link, target, words, findings);
            if (columns.isPresent()) {
                Use use =
                        new Use(
                                words.direction(),
                                link.sequence(),
                                known(ofTarget, link.sequence()),
                                link.sources().stream()
                                        .map(
                                                each ->
                                                        new NextPosition.SourceAt(
                                                                each, known(ofSource, each)))
                                        .toList(),
                                columns.get());
                decided.add(of(link, use, margin));
            }
        }
        return decided;
    }

    /// Decides with the present position of the sequence.
    Decided again(SequenceReader target, int margin) throws SQLException {
        Sequence sequence = link.sequence();
        return of(link, use.at(known(target.positions(List.of(sequence.id())), sequence)), margin);
    }

    Move move(Decision.Known known) {
        return new Move(
                link.sequence().id(),
                link.columns().stream().map(Supply::named).distinct().toList(),
                use.position(),
                known.to(),
                known.basis());
    }

    /// Empty if a value is left.
    Optional<Finding> finding(Readability words) {
        return switch (decision) {
            case Decision.Known _ -> Optional.empty();
            case Decision.Exhausted exhausted -> Optional.of(words.exhausted(link, exhausted));
        };
    }

    private static Optional<List<NextPosition.Column>> columns(
            Link link, SequenceReader target, Readability words, List<Finding> findings)
            throws SQLException {
        List<NextPosition.Column> columns = new ArrayList<>();
        boolean complete = true;
        for (Supply column : link.comparable().toList()) {
            switch (target.farthest(column, link.sequence().ascends())) {
                case Farthest.Known(Optional<BigInteger> value) ->
                        columns.add(new NextPosition.Column(column, value));
                case Farthest.TooSlow() -> {
                    findings.add(words.tooSlow(column));
                    complete = false;
                }
                case Farthest.NoNumber() -> {
                    findings.add(words.noNumber(column));
                    complete = false;
                }
            }
        }
        return complete ? Optional.of(columns) : Optional.empty();
    }

    private static Position known(Map<TableId, Position> positions, Sequence sequence) {
        return Objects.requireNonNull(positions.get(sequence.id()), sequence.id()::toString);
    }
}
