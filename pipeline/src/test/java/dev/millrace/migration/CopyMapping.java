package dev.millrace.migration;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.postgres.Identifier;
import dev.millrace.sql.Relation;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// A hand-written `SELECT *`, for tests that do not depend on the SELECT language.
public final class CopyMapping {

    private CopyMapping() {}

    public static Mapping of(Relation source, TableId target) {
        RowSchema schema =
                RowSchema.keyed(
                        target,
                        source.columns().stream().map(Relation.Column::name).toList(),
                        source.key());
        RowSchema key = RowSchema.keyed(target, source.key(), source.key());
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row row) {
                        Row.Builder out = new Row.Builder(schema);
                        for (int i = 0; i < schema.size(); i++) {
                            int from = row.schema().position(schema.columns().get(i));
                            if (row.isUnchanged(from)) {
                                out.unchanged(i);
                            } else {
                                out.text(i, row.text(from));
                            }
                        }
                        return new MappedRow.Upsert(out.build());
                    }

                    @Override
                    public Optional<KeyOrigin> keyOrigin() {
                        Map<String, String> same = new HashMap<>();
                        source.key().forEach(column -> same.put(column, column));
                        return Optional.of(new KeyOrigin(same, Map.of()));
                    }

                    @Override
                    public Row key(Row row) {
                        Row.Builder out = new Row.Builder(key);
                        for (int i = 0; i < key.size(); i++) {
                            out.text(i, row.text(row.schema().position(key.columns().get(i))));
                        }
                        return out.build();
                    }
                };
        return new Mapping(
                source.id(),
                schema,
                source.columns().stream().map(Relation.Column::type).toList(),
                "SELECT * FROM " + Identifier.quote(source.id()),
                "",
                mapper);
    }
}
