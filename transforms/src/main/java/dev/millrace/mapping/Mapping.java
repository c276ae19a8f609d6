package dev.millrace.mapping;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.sql.Relation;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// The compiled mapping of one target table: a typed SELECT over one source table. Immutable.
///
/// @param target schema of the target rows: the target table, the columns in the order of the
///   SELECT, the target key
/// @param outputs the type of each column of the SELECT, in the same order
/// @param userText the user's SELECT, sent to the source when source and target are compared; never
///   the rendered text
/// @param rendered the parsed tree as fully parenthesised SQL; the source's EXPLAIN compares it
///   with the user's text
/// @param within a condition over the target table that selects the rows which the mapping gives;
///   empty if the table has no other rows
/// @param shown the SELECT for people: without values of the environment
public record Mapping(
        TableId source,
        RowSchema target,
        List<Relation.SqlType> outputs,
        String userText,
        String rendered,
        RowMapper mapper,
        Optional<String> within,
        String shown) {

    /// A mapping whose target table has no other rows.
    public Mapping(
            TableId source,
            RowSchema target,
            List<Relation.SqlType> outputs,
            String userText,
            String rendered,
            RowMapper mapper) {
        this(source, target, outputs, userText, rendered, mapper, Optional.empty(), userText);
    }

    public Mapping {
        outputs = List.copyOf(outputs);
        if (outputs.size() != target.size()) {
            throw new IllegalArgumentException(
                    target.table()
                            + " has "
                            + target.size()
                            + " columns, got "
                            + outputs.size()
                            + " types");
        }
    }

    /// This mapping into a table that also has rows of which it knows nothing.
    public Mapping within(String condition) {
        return new Mapping(
                source, target, outputs, userText, rendered, mapper, Optional.of(condition), shown);
    }

    /// This mapping with another text for people.
    public Mapping shownAs(String text) {
        return new Mapping(source, target, outputs, userText, rendered, mapper, within, text);
    }

    /// This mapping without some columns that are no key columns.
    public Mapping without(Set<String> left) {
        if (left.isEmpty()) {
            return this;
        }
        List<Integer> kept =
                IntStream.range(0, target.size())
                        .filter(i -> !left.contains(target.columns().get(i)))
                        .boxed()
                        .toList();
        RowSchema narrow =
                RowSchema.keyed(
                        target.table(),
                        kept.stream().map(target.columns()::get).toList(),
                        target.keyColumns());
        return new Mapping(
                source,
                narrow,
                kept.stream().map(outputs::get).toList(),
                userText,
                rendered,
                new Narrowed(mapper, narrow, kept),
                within,
                shown);
    }

    /// @param kept the positions of the columns in the rows of the other mapper
    private record Narrowed(RowMapper all, RowSchema schema, List<Integer> kept)
            implements RowMapper {

        @Override
        public MappedRow map(Row source) {
            return switch (all.map(source)) {
                case MappedRow.Upsert(Row row) -> new MappedRow.Upsert(narrowed(row));
                case MappedRow.Delete same -> same;
                case MappedRow.Incomplete same -> same;
                case MappedRow.Rejected same -> same;
            };
        }

        private Row narrowed(Row row) {
            Row.Builder narrow = new Row.Builder(schema);
            for (int i = 0; i < kept.size(); i++) {
                narrow.copy(i, row, kept.get(i));
            }
            return narrow.build();
        }

        @Override
        public Row key(Row source) {
            return all.key(source);
        }

        @Override
        public boolean concerns(Row source) {
            return all.concerns(source);
        }

        @Override
        public boolean isFiltered() {
            return all.isFiltered();
        }

        @Override
        public boolean takesEveryRow() {
            return all.takesEveryRow();
        }

        @Override
        public Map<String, String> copies() {
            return all.copies();
        }

        @Override
        public Optional<Set<String>> reads() {
            return all.reads();
        }

        @Override
        public Optional<KeyOrigin> keyOrigin() {
            return all.keyOrigin();
        }
    }
}
