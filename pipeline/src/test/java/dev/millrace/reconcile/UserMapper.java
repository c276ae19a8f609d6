package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.SqlType;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A hand-written mapper of `SELECT id, name AS full_name, amount FROM users WHERE NOT deleted`.
final class UserMapper implements RowMapper {

    static final TableId USERS = new TableId("public", "users");
    static final TableId CUSTOMER = new TableId("crm", "customer");

    static final String SOURCE_TABLE =
            "CREATE TABLE users (id int PRIMARY KEY, name text, amount numeric,"
                    + " deleted boolean NOT NULL DEFAULT false)";

    private static final RowSchema SOURCE =
            RowSchema.keyed(USERS, List.of("id", "name", "amount", "deleted"), List.of("id"));
    private static final RowSchema TARGET =
            RowSchema.keyed(CUSTOMER, List.of("id", "full_name", "amount"), List.of("id"));
    private static final RowSchema KEY = RowSchema.keyed(CUSTOMER, List.of("id"), List.of("id"));

    static Mapping mapping() {
        return mapping("name");
    }

    /// The same mapper with a SELECT that may differ from it.
    static Mapping mapping(String fullName) {
        return mapping(fullName, "NOT deleted");
    }

    static Mapping mapping(String fullName, String where) {
        return new Mapping(
                USERS,
                TARGET,
                List.of(type("int4", "integer"), type("text", "text"), type("numeric", "numeric")),
                "SELECT id, %s AS full_name, amount FROM users WHERE %s -- the living"
                        .replaceFirst("%s", fullName)
                        .replaceFirst("%s", where),
                "",
                new UserMapper());
    }

    /// The source table as its catalog describes it, as far as its key is concerned.
    static Relation users() {
        return new Relation(
                USERS,
                List.of(
                        new Relation.Column(
                                "id",
                                type("int4", "integer"),
                                true,
                                false,
                                Relation.Collation.NONE)),
                List.of("id"));
    }

    /// The same mapping for other tables.
    static Mapping mapping(TableId source, TableId target) {
        Mapping of = mapping();
        return new Mapping(
                source,
                RowSchema.keyed(target, of.target().columns(), of.target().keyColumns()),
                of.outputs(),
                "SELECT id, name AS full_name, amount FROM " + source,
                "",
                of.mapper());
    }

    static Row user(int id, @Nullable String name, @Nullable String amount) {
        return Row.of(SOURCE, Integer.toString(id), name, amount, "f");
    }

    /// A row whose bytes are in a cell that the SELECT does not select.
    static Row userWithWideUnmappedCell(int id, String name, String amount, int bytes) {
        return Row.of(SOURCE, Integer.toString(id), name, amount, "f".repeat(bytes));
    }

    static Row deletedUser(int id) {
        return Row.of(SOURCE, Integer.toString(id), null, null, "t");
    }

    /// The row of an update that did not change the name.
    static Row userWithUnchangedName(int id, String amount) {
        return new Row.Builder(SOURCE)
                .text(0, Integer.toString(id))
                .unchanged(1)
                .text(2, amount)
                .text(3, "f")
                .build();
    }

    @Override
    public MappedRow map(Row source) {
        if ("t".equals(source.text(3))) {
            return new MappedRow.Delete(key(source));
        }
        Row.Builder row = new Row.Builder(TARGET).text(0, source.text(0)).text(2, source.text(2));
        if (source.isUnchanged(1)) {
            row.unchanged(1);
        } else {
            row.text(1, source.text(1));
        }
        return new MappedRow.Upsert(row.build());
    }

    @Override
    public Row key(Row source) {
        return Row.of(KEY, source.text(0));
    }

    private static SqlType type(String name, String formatted) {
        return new SqlType("pg_catalog", name, formatted, -1, Optional.empty());
    }
}
