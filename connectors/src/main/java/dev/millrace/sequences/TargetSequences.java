package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Session;
import dev.millrace.sequences.NextPosition.Decision;
import dev.millrace.sequences.SequenceCatalog.Side;
import dev.millrace.sequences.SequenceLinks.Link;
import dev.millrace.sequences.SequencePlan.Finding;
import dev.millrace.sequences.SequencePlan.Move;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Advances the sequences and identities of the target, so that rows which the application inserts
/// after the switchover get keys that no existing row has. Rows that arrive through the log do not
/// advance them.
///
/// A sequence continues beyond three values: the position of the sequences that gave the values on
/// the source, the farthest value in the columns on the target, and its own position. It only goes
/// in the direction of its increment, so a repeated call changes nothing, although setval is not
/// transactional. Call it while the source is fenced and everything is applied.
///
/// Sessions of the source may hold cached values that they have not used. Those lie before the
/// sequence's position, so they need no margin. The margin covers values that are taken from the
/// source's sequence after it was read, and a client that numbers a block of rows by itself.
/// Sessions of the target that called nextval before keep their own cached values: a sequence with
/// CACHE can still give those.
///
/// Each call opens and closes a session on both servers. Thread-safe.
public final class TargetSequences {

    /// The standard margin, in values of the sequence.
    public static final int MARGIN = 1_000;

    /// Another session took a value each time that the position was to be set.
    private static final int MOST_ATTEMPTS = 20;

    /// Whose sequences are advanced.
    public enum Direction {
        /// A switchover continues the sequences of the source on the target.
        FORWARD("source", "target", "switchover"),
        /// A rollback continues those of the target on the source.
        BACK("target", "source", "rollback");

        private final String from;
        private final String to;
        private final String move;

        Direction(String from, String to, String move) {
            this.from = from;
            this.to = to;
            this.move = move;
        }

        /// The database that is read.
        String from() {
            return from;
        }

        /// The database whose sequences are set.
        String to() {
            return to;
        }

        String move() {
            return move;
        }
    }

    /// The tables and schemas of one replication stream.
    ///
    /// @param mappings several may fill the same table, or read the same one
    /// @param schemas in which free-standing sequences correspond by name: those of a wildcard
    public record Scope(Direction direction, List<Mapping> mappings, List<SchemaPair> schemas) {

        public Scope {
            mappings = List.copyOf(mappings);
            schemas = List.copyOf(schemas);
        }

        /// @param mappings of the stream in this direction
        public static Scope of(Direction direction, MigrationSpec spec, List<Mapping> mappings) {
            return new Scope(
                    direction,
                    mappings,
                    spec.tables().stream()
                            .flatMap(
                                    entry ->
                                            switch (entry) {
                                                case TableEntry.Select _ -> Stream.empty();
                                                case TableEntry.Wildcard wildcard ->
                                                        Stream.of(pair(direction, wildcard));
                                            })
                            .toList());
        }

        private static SchemaPair pair(Direction direction, TableEntry.Wildcard wildcard) {
            return switch (direction) {
                case FORWARD -> new SchemaPair(wildcard.sourceSchema(), wildcard.targetSchema());
                case BACK -> new SchemaPair(wildcard.targetSchema(), wildcard.sourceSchema());
            };
        }

        List<TableId> sources() {
            return mappings.stream().map(Mapping::source).distinct().toList();
        }

        List<TableId> targets() {
            return mappings.stream()
                    .map(mapping -> mapping.target().table().whole())
                    .distinct()
                    .toList();
        }
    }

    public record SchemaPair(String source, String target) {}

    /// The result of [#advance].
    public sealed interface Advance {

        /// Every sequence is beyond the values in use.
        record Done(List<Move> moves) implements Advance {}

        /// At least one sequence cannot be advanced. Nothing was changed, unless a finding says
        /// that a sequence was in use.
        record Refused(List<Finding> findings) implements Advance {}
    }

    /// Each sequence of the target with its links, and what prevents reading and setting.
    private record Found(List<Link> links, List<Finding> findings) {}

    private final Database source;
    private final Database target;
    private final Scope scope;
    private final Duration timeout;

    /// @param source where the application wrote until now
    /// @param target where it writes from now on
    /// @param timeout of each statement; at most one minute
    public TargetSequences(Database source, Database target, Scope scope, Duration timeout) {
        this.source = source;
        this.target = target;
        this.scope = scope;
        this.timeout = timeout;
    }

    /// What prevents [#advance] for lack of a privilege or of a known value. Reads only the
    /// catalogs, so it is fast whatever the size of the tables.
    public static List<Finding> obstacles(Scope scope, Session source, Session target)
            throws SQLException {
        return find(scope, source::texts, target::texts).findings().stream()
                .filter(Finding::blocks)
                .toList();
    }

    /// What an operator must grant or know before a switchover. Reads only the catalogs, so it is
    /// fast whatever the size of the tables.
    public static List<Finding> readability(Scope scope, Session source, Session target)
            throws SQLException {
        Found found = find(scope, source::texts, target::texts);
        List<Finding> findings = new ArrayList<>(found.findings());
        findings.addAll(
                SequenceNotes.shared(
                        source::texts,
                        found.links().stream()
                                .flatMap(link -> link.sources().stream())
                                .map(Sequence::id)
                                .distinct()
                                .toList(),
                        scope.sources()));
        findings.addAll(
                SequenceNotes.hidden(
                        target::texts,
                        scope.targets(),
                        found.links().stream().map(link -> link.sequence().id()).toList()));
        return List.copyOf(findings);
    }

    /// What [#advance] would do at this moment. Changes nothing.
    ///
    /// @param margin how many values of a sequence to leave out; at least 1
    public SequencePlan plan(int margin) throws SQLException {
        try (Connection from = source.connect("sequences");
                Connection to = target.connect("sequences")) {
            List<Finding> findings = new ArrayList<>();
            List<Move> moves = new ArrayList<>();
            for (Decided each : decide(from, new SequenceReader(to, timeout), margin, findings)) {
                switch (each.decision()) {
                    case Decision.Known known -> moves.add(each.move(known));
                    case Decision.Exhausted _ -> {}
                }
            }
            return new SequencePlan(moves, findings);
        }
    }

    /// Advances every sequence, or none if one of them cannot be advanced.
    ///
    /// @param margin how many values of a sequence to leave out; at least 1
    public Advance advance(int margin) throws SQLException {
        try (Connection from = source.connect("sequences");
                Connection to = target.connect("sequences")) {
            List<Finding> findings = new ArrayList<>();
            SequenceReader reader = new SequenceReader(to, timeout);
            List<Decided> decided = decide(from, reader, margin, findings);
            findings.removeIf(finding -> !finding.blocks());
            return findings.isEmpty()
                    ? set(reader, decided, margin)
                    : new Advance.Refused(List.copyOf(findings));
        }
    }

    private Advance set(SequenceReader reader, List<Decided> decided, int margin)
            throws SQLException {
        List<Move> moves = new ArrayList<>();
        for (Decided each : decided) {
            Optional<Move> move = set(reader, each, margin);
            if (move.isEmpty()) {
                return new Advance.Refused(List.of(words().inUse(each.link())));
            }
            moves.add(move.get());
        }
        return new Advance.Done(List.copyOf(moves));
    }

    /// Decides again when another session has taken a value in the meantime.
    private static Optional<Move> set(SequenceReader reader, Decided decided, int margin)
            throws SQLException {
        Decided now = decided;
        for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
            switch (now.decision()) {
                case Decision.Exhausted _ -> {
                    return Optional.empty();
                }
                case Decision.Known known -> {
                    Move move = now.move(known);
                    if (!move.changes() || reader.set(move.sequence(), move.from(), move.to())) {
                        return Optional.of(move);
                    }
                    now = now.again(reader, margin);
                }
            }
        }
        return Optional.empty();
    }

    private static Found find(
            Scope scope, SequenceCatalog.Query source, SequenceCatalog.Query target)
            throws SQLException {
        Side read =
                SequenceCatalog.read(
                        source,
                        scope.sources(),
                        scope.schemas().stream().map(SchemaPair::source).distinct().toList());
        Side set =
                SequenceCatalog.read(
                        target,
                        scope.targets(),
                        scope.schemas().stream().map(SchemaPair::target).distinct().toList());
        List<Link> links = SequenceLinks.of(scope, read, set);
        Readability words = new Readability(scope.direction());
        List<Finding> findings = new ArrayList<>(words.of(links, read, set));
        findings.addAll(
                words.withoutCounterpart(SequenceLinks.withoutCounterpart(scope, read, set)));
        findings.addAll(words.withoutSuccessor(SequenceLinks.withoutSuccessor(scope, read, links)));
        return new Found(links, findings);
    }

    /// The decision on every sequence that can be read.
    private List<Decided> decide(
            Connection from, SequenceReader to, int margin, List<Finding> findings)
            throws SQLException {
        if (margin < 1) {
            throw new IllegalArgumentException("The margin must be at least 1, got " + margin);
        }
        SequenceReader reader = new SequenceReader(from, timeout);
        Found found = find(scope, reader::texts, to::texts);
        findings.addAll(found.findings());
        List<Decided> decided =
                Decided.of(
                        found.links().stream().filter(Readability::isReadable).toList(),
                        reader,
                        to,
                        margin,
                        words(),
                        findings);
        decided.forEach(each -> each.finding(words()).ifPresent(findings::add));
        return decided;
    }

    private Readability words() {
        return new Readability(scope.direction());
    }
}
