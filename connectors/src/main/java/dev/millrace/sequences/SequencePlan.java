package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.util.List;
import java.util.stream.Stream;

/// The position that each sequence of the target needs, and what prevents it. Immutable.
///
/// @param moves one per sequence, ordered by name, also for those that stay; without the sequences
///   whose position cannot be decided
public record SequencePlan(List<Move> moves, List<Finding> findings) {

    public SequencePlan {
        moves = List.copyOf(moves);
        findings = List.copyOf(findings);
    }

    /// Whether every sequence can be advanced.
    public boolean isReady() {
        return findings.stream().noneMatch(Finding::blocks);
    }

    /// Where a sequence is, as PostgreSQL stores it.
    ///
    /// @param called false if `lastValue` is the next value, true if it is the last one
    public record Position(long lastValue, boolean called) {

        @Override
        public String toString() {
            return called ? Long.toString(lastValue) : lastValue + ", not used yet";
        }
    }

    /// @param sequence a sequence of the target
    /// @param columns the columns that it supplies, as `schema.table.column`; empty for a
    ///   free-standing sequence without a column
    /// @param to equal to `from` if the sequence stays
    /// @param basis the value in use that is farthest, in words
    public record Move(
            TableId sequence, List<String> columns, Position from, Position to, String basis) {

        public Move {
            columns = List.copyOf(columns);
        }

        public boolean changes() {
            return !from.equals(to);
        }
    }

    /// Something that an operator must fix or know. Object and message are read as one sentence.
    ///
    /// @param blocks false for what is only to be known
    public record Finding(boolean blocks, String object, String message, String remedy) {}

    /// A sequence's place on one server, with what the session's role may do with it.
    ///
    /// @param schema USAGE on its schema
    record Access(boolean schema, boolean select, boolean update) {

        boolean reads() {
            return schema && select;
        }

        boolean sets() {
            return reads() && update;
        }

        /// The statements that give the missing privileges.
        String grants(TableId sequence, boolean sets, String role) {
            String to = " TO " + Identifier.quote(role) + ";";
            List<String> missing =
                    Stream.of(select ? "" : "SELECT", sets && !update ? "UPDATE" : "")
                            .filter(privilege -> !privilege.isEmpty())
                            .toList();
            String use =
                    schema
                            ? ""
                            : "GRANT USAGE ON SCHEMA " + Identifier.quote(sequence.schema()) + to;
            String own =
                    missing.isEmpty()
                            ? ""
                            : "GRANT "
                                    + String.join(", ", missing)
                                    + " ON SEQUENCE "
                                    + Identifier.quote(sequence)
                                    + to;
            return (use + " " + own).strip();
        }
    }
}
