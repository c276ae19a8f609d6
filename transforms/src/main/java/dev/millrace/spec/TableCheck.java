package dev.millrace.spec;

import dev.millrace.change.TableId;
import dev.millrace.problem.Position;
import dev.millrace.problem.Problem;
import dev.millrace.spec.MigrationSpec.Indexes;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.name.TableName;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.TruncateSetting.Truncate;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks the entries under `tables` and parses their SELECTs. Not thread-safe; used for one file.
final class TableCheck {

    /// A comment in prose, separated by two blanks. A `#` that could be SQL is never taken for one.
    private static final Pattern COMMENT = Pattern.compile("\\s{2,}#( [^=<>'()|]*)?");

    private static final String KEY =
            "name the key's columns, or remove key to use the target's primary key";

    /// Stands in for a name that is not one, so that the SELECT is checked all the same.
    private static final TableId NO_TARGET = new TableId("schema", "table");

    private final Problems problems;
    private final Map<String, Position> targets = new HashMap<>();
    private final Map<TableId, Indexes> indexes = new HashMap<>();
    private final Map<TableId, Long> rejectedLimits = new HashMap<>();
    private final Map<TableId, Truncate> truncates = new HashMap<>();
    private final Map<TableId, SchemaChange> schemaChanges = new HashMap<>();
    private final Map<TableId, Set<String>> sensitive = new HashMap<>();

    TableCheck(Problems problems) {
        this.problems = problems;
    }

    List<TableEntry> check(Map<Scalar, SpecForm.TableForm> tables) {
        List<TableEntry> entries = new ArrayList<>();
        tables.forEach(
                (target, form) -> {
                    TableEntry entry = entry(target, form);
                    if (entry != null) {
                        entries.add(entry);
                    }
                });
        return entries;
    }

    /// The setting of each table that has one, after [#check].
    Map<TableId, Indexes> indexes() {
        return indexes;
    }

    /// The limit of each table that has one, after [#check].
    Map<TableId, Long> rejectedLimits() {
        return rejectedLimits;
    }

    /// The setting of each table that has one, after [#check].
    Map<TableId, Truncate> truncates() {
        return truncates;
    }

    /// The policies of each table that has some, after [#check].
    Map<TableId, SchemaChange> schemaChanges() {
        return schemaChanges;
    }

    /// The columns of each table that has some, after [#check].
    Map<TableId, Set<String>> sensitive() {
        return sensitive;
    }

    /// @return without what was refused
    static SchemaChange schemaChange(@Nullable Map<Scalar, Scalar> section, Problems problems) {
        Map<SchemaChange.Kind, SchemaChange.Policy> policies = new HashMap<>();
        (section == null ? Map.<Scalar, Scalar>of() : section)
                .forEach(
                        (kind, policy) -> {
                            switch (SchemaChange.line(kind.text(), policy.text())) {
                                case SchemaChange.Line.Known(var known, var set) ->
                                        policies.put(known, set);
                                case SchemaChange.Line.Refused(var ofKind, var why, var remedy) ->
                                        problems.add(ofKind ? kind : policy, why, remedy);
                            }
                        });
        return new SchemaChange(policies);
    }

    /// @return empty when the key is absent or was refused
    static Optional<Long> rejectedLimit(@Nullable Scalar value, Problems problems) {
        if (value == null) {
            return Optional.empty();
        }
        if (!value.text().matches("[1-9][0-9]{0,8}")) {
            problems.add(value, "must be an integer from 1 to " + SpecForm.MAX_REJECTED, "");
            return Optional.empty();
        }
        return Optional.of(Long.valueOf(value.text()));
    }

    /// @return empty when the key is absent or was refused
    static Optional<Indexes> indexes(@Nullable Scalar value, Problems problems) {
        if (value == null) {
            return Optional.empty();
        }
        return switch (value.text()) {
            case "keep" -> Optional.of(Indexes.KEEP);
            case "after-backfill" -> Optional.of(Indexes.AFTER_BACKFILL);
            default -> {
                problems.add(value, "must be keep or after-backfill", "");
                yield Optional.empty();
            }
        };
    }

    /// @return empty when the key is absent or was refused
    static Optional<Truncate> truncate(@Nullable Scalar value, Problems problems) {
        if (value == null) {
            return Optional.empty();
        }
        return switch (value.text()) {
            case "apply" -> Optional.of(Truncate.APPLY);
            case "refuse" -> Optional.of(Truncate.REFUSE);
            default -> {
                problems.add(value, "must be apply or refuse", "");
                yield Optional.empty();
            }
        };
    }

    private @Nullable TableEntry entry(Scalar target, SpecForm.TableForm form) {
        List<String> key = columns(form.key(), target, ".key", KEY);
        List<String> hashed = columns(form.sensitive(), target, ".sensitive", "name a column");
        List<SelectStatement> reverse =
                form.reverse() == null ? List.of() : reverse(form.reverse(), target);
        return switch (TableName.parse(target.text())) {
            case TableName.Malformed(String message, String remedy) -> {
                boolean asWritten = target.text().equals(target.shown());
                problems.add(target, message, asWritten ? remedy : "write schema.table");
                select(target, NO_TARGET, form.select(), key, reverse);
                yield null;
            }
            case TableName.EveryTable(String schema) -> wildcard(target, schema, form);
            case TableName.OneTable(TableId id) -> {
                checkDistinct(target, id.toString().length() + ":" + id);
                indexes(form.indexes(), problems).ifPresent(value -> indexes.put(id, value));
                rejectedLimit(form.rejectedLimit(), problems)
                        .ifPresent(value -> rejectedLimits.put(id, value));
                truncate(form.truncate(), problems).ifPresent(value -> truncates.put(id, value));
                schemaChanges.put(id, schemaChange(form.schemaChange(), problems));
                schemaChanges.values().remove(SchemaChange.NONE);
                sensitive.put(id, Set.copyOf(hashed));
                sensitive.values().remove(Set.of());
                yield select(target, id, form.select(), key, reverse);
            }
        };
    }

    private @Nullable TableEntry select(
            Scalar target,
            TableId id,
            @Nullable Scalar select,
            List<String> key,
            List<SelectStatement> reverse) {
        if (select == null || !isComplete(select)) {
            return null;
        }
        if (TableName.wildcardSource(select.text()).isPresent()) {
            problems.add(
                    select,
                    "'FROM schema.*' names every table of a schema, but the target is one table",
                    "write " + id.schema() + ".*: … or name the source table");
            return null;
        }
        return statement(select, target.path())
                .map(statement -> new TableEntry.Select(id, statement, key, reverse, target.at()))
                .orElse(null);
    }

    private Optional<SelectStatement> statement(Scalar select, String path) {
        return switch (SelectParser.parse(select.selectText(path))) {
            case ParseResult.Parsed(SelectStatement statement) -> {
                problems.addAll(statement.problems());
                yield Optional.of(statement);
            }
            case ParseResult.Refused(List<Problem> refused) -> {
                problems.addAll(refused);
                yield Optional.empty();
            }
        };
    }

    private List<SelectStatement> reverse(List<Scalar> selects, Scalar target) {
        List<SelectStatement> reverse = new ArrayList<>();
        for (Scalar select : selects) {
            if (isComplete(select)) {
                statement(select, select.path()).ifPresent(reverse::add);
            }
        }
        reverse.forEach(this::checkReverse);
        if (selects.isEmpty()) {
            problems.add(
                    target.at(),
                    target.path() + ".reverse",
                    "is empty",
                    "write a SELECT, or remove reverse to use what Millrace derives");
        }
        return reverse;
    }

    /// The meaning of a `*` could change while the migration runs, and a WHERE would leave rows
    /// behind.
    private void checkReverse(SelectStatement statement) {
        List<Problem> found = new ArrayList<>();
        for (SelectStatement.Item item : statement.items()) {
            if (item instanceof SelectStatement.Item.Star star) {
                found.add(
                        statement.problem(
                                star.at(), "a reverse SELECT cannot have a *", "name the columns"));
            }
        }
        if (statement.isFiltered()) {
            found.add(
                    statement.whereProblem(
                            "a WHERE in a reverse SELECT is not yet supported",
                            "remove it: every row of the target goes back"));
        }
        problems.addAll(found);
    }

    private void refuseForWildcard(@Nullable Scalar setting, String name) {
        if (setting != null) {
            problems.add(
                    setting,
                    "cannot be set for a wildcard",
                    "set "
                            + name
                            + " for the whole file, or declare the table in a separate entry");
        }
    }

    private @Nullable TableEntry wildcard(Scalar target, String schema, SpecForm.TableForm form) {
        checkDistinct(target, schema + ".*");
        if (form.key() != null) {
            problems.add(
                    target,
                    "a wildcard uses each target table's primary key; it cannot have a key",
                    "remove key, or declare the table in a separate entry");
        }
        if (form.reverse() != null) {
            problems.add(
                    target,
                    "a wildcard copies tables unchanged; it cannot have reverse",
                    "remove reverse, or declare the table in a separate entry");
        }
        refuseForWildcard(form.indexes(), "indexes");
        refuseForWildcard(form.rejectedLimit(), "rejected-limit");
        refuseForWildcard(form.truncate(), "truncate");
        (form.schemaChange() == null ? List.<Scalar>of() : form.schemaChange().keySet())
                .forEach(kind -> refuseForWildcard(kind, "schema-change"));
        (form.sensitive() == null ? List.<Scalar>of() : form.sensitive())
                .forEach(
                        column ->
                                problems.add(
                                        column,
                                        "cannot be set for a wildcard",
                                        "declare the table in a separate entry"));
        Scalar select = form.select();
        if (select == null || !isComplete(select)) {
            return null;
        }
        Optional<String> source = TableName.wildcardSource(select.text());
        if (source.isEmpty()) {
            problems.add(
                    select,
                    "a wildcard copies tables unchanged",
                    "write SELECT * FROM schema.*, or declare each table");
            return null;
        }
        return new TableEntry.Wildcard(schema, source.get(), target.at());
    }

    private void checkDistinct(Scalar target, String name) {
        Position first = targets.putIfAbsent(name, target.at());
        if (first != null) {
            problems.add(
                    target,
                    "is declared twice; the first is in line " + first.line(),
                    "keep one; several SELECTs into one table are not yet supported");
        }
    }

    /// False when YAML cut the text short or there is none: parsing it would report nonsense.
    private boolean isComplete(Scalar select) {
        if (select.text().isBlank()) {
            problems.add(select, "is empty", "write a SELECT");
            return false;
        }
        if (!select.comment().isEmpty() && !COMMENT.matcher(select.comment()).matches()) {
            problems.add(
                    select,
                    "YAML ends this SELECT at ' #', which starts a comment",
                    "quote the SELECT or use |; put a comment on a separate line");
            return false;
        }
        return true;
    }

    /// @param path of the list in the entry
    /// @param remedy for an empty list
    private List<String> columns(
            @Nullable List<Scalar> columns, Scalar target, String path, String remedy) {
        List<String> names = new ArrayList<>();
        for (Scalar column : columns == null ? List.<Scalar>of() : columns) {
            if (column.text().isEmpty()) {
                problems.add(column, "is empty", "name a column of the target");
            } else if (names.contains(column.text())) {
                problems.add(column, "repeats " + column.shown(), "name each column once");
            }
            names.add(column.text());
        }
        if (columns != null && columns.isEmpty()) {
            problems.add(target.at(), target.path() + path, "is empty", remedy);
        }
        return names;
    }
}
