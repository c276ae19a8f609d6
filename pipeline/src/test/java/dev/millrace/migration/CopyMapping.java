package dev.millrace.migration;

import dev.millrace.change.Row;
import dev.millrace.change.Shape;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.select.Mapping;
import dev.millrace.select.Relation;
import dev.millrace.select.RowMapper;

/// `SELECT *` by hand, for scenes that are about the road and not about the language.
final class CopyMapping {

    private CopyMapping() {}

    static Mapping of(Relation source, TableId target) {
        Shape shape =
                Shape.keyed(
                        target,
                        source.columns().stream().map(Relation.Column::name).toList(),
                        source.key());
        Shape key = Shape.keyed(target, source.key(), source.key());
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row row) {
                        Row.Builder out = new Row.Builder(shape);
                        for (int i = 0; i < shape.size(); i++) {
                            int from = row.shape().position(shape.columns().get(i));
                            if (row.isUnchanged(from)) {
                                out.unchanged(i);
                            } else {
                                out.text(i, row.text(from));
                            }
                        }
                        return new MappedRow.Upsert(out.build());
                    }

                    @Override
                    public Row key(Row row) {
                        Row.Builder out = new Row.Builder(key);
                        for (int i = 0; i < key.size(); i++) {
                            out.text(i, row.text(row.shape().position(key.columns().get(i))));
                        }
                        return out.build();
                    }
                };
        return new Mapping(
                source.id(),
                shape,
                source.columns().stream().map(Relation.Column::type).toList(),
                "SELECT * FROM " + Identifier.quote(source.id()),
                "",
                mapper);
    }
}
