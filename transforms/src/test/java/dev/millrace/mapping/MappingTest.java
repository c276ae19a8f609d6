package dev.millrace.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.sql.Relation;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MappingTest {

    private static final TableId TABLE = new TableId("public", "users");
    private static final RowSchema SCHEMA =
            RowSchema.keyed(TABLE, List.of("email", "id", "name"), List.of("id"));

    private static final RowMapper COPY =
            new RowMapper() {
                @Override
                public MappedRow map(Row source) {
                    return source.text(2) == null
                            ? new MappedRow.Delete(key(source))
                            : new MappedRow.Upsert(source);
                }

                @Override
                public Row key(Row source) {
                    return Row.of(
                            RowSchema.keyed(TABLE, List.of("id"), List.of("id")), source.text(1));
                }
            };

    private static final Mapping ALL =
            new Mapping(
                    new TableId("crm", "person"),
                    SCHEMA,
                    Stream.of("text", "integer", "text").map(MappingTest::type).toList(),
                    "SELECT",
                    "SELECT",
                    COPY);

    private static Relation.SqlType type(String name) {
        return new Relation.SqlType("pg_catalog", name, name, -1, Optional.empty());
    }

    @Test
    void leavesColumnsOutOfRowsAndSchema() {
        Mapping narrow = ALL.without(Set.of("email"));

        assertThat(narrow.target().columns()).containsExactly("id", "name");
        assertThat(narrow.target().keyColumns()).containsExactly("id");
        assertThat(narrow.outputs()).containsExactly(type("integer"), type("text"));
        assertThat(narrow.mapper().map(Row.of(SCHEMA, "a@x", "7", "Ann")))
                .isEqualTo(new MappedRow.Upsert(Row.of(narrow.target(), "7", "Ann")));
        assertThat(narrow.mapper().map(Row.of(SCHEMA, "a@x", "7", null)))
                .isInstanceOf(MappedRow.Delete.class);
    }

    @Test
    void isTheSameWithoutColumnsToLeaveOut() {
        assertThat(ALL.without(Set.of())).isSameAs(ALL);
    }
}
