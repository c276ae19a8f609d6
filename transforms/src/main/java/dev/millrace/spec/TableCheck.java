package dev.millrace.spec;

import dev.millrace.change.TableId;
import dev.millrace.spec.MigrationSpec.TableEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks the entries under `tables` as far as that goes without reading a SELECT.
final class TableCheck {

    /// A comment in prose, set apart by two blanks; a `#` that SQL could mean is never one.
    private static final Pattern COMMENT = Pattern.compile("\\s{2,}#( [^=<>'()|]*)?");

    private final Problems problems;
    private final Map<String, Position> targets = new HashMap<>();
    private final List<WrittenSelect> selects = new ArrayList<>();

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

    /// What stands as a SELECT for one table, also under a target that has a problem.
    List<WrittenSelect> selects() {
        return selects;
    }

    private @Nullable TableEntry entry(Scalar target, SpecForm.TableForm form) {
        List<String> key = form.key() == null ? List.of() : key(form.key(), target);
        if (form.select() != null) {
            checkText(form.select());
        }
        return switch (TableName.parse(target.text())) {
            case TableName.Malformed(String message, String remedy) -> {
                boolean asWritten = target.text().equals(target.shown());
                problems.add(target, message, asWritten ? remedy : "write schema.table");
                addSelect(target, form.select());
                yield null;
            }
            case TableName.EveryTable(String schema) -> wildcard(target, schema, form);
            case TableName.OneTable(TableId id) -> select(target, id, form.select(), key);
        };
    }

    private @Nullable TableEntry select(
            Scalar target, TableId id, @Nullable Scalar select, List<String> key) {
        checkDistinct(target, id.toString().length() + ":" + id);
        if (select == null) {
            return null;
        }
        Optional<String> everyTable = TableName.wildcardSource(select.text());
        if (everyTable.isPresent()) {
            problems.add(
                    select,
                    "'FROM schema.*' means every table of a schema, and the target is one table",
                    "write " + id.schema() + ".*: … or name the source table");
            return null;
        }
        addSelect(target, select);
        return new TableEntry.Select(id, select.text(), key, target.at(), select.selectText());
    }

    private void addSelect(Scalar target, @Nullable Scalar select) {
        if (select != null
                && !select.text().isBlank()
                && TableName.wildcardSource(select.text()).isEmpty()) {
            selects.add(new WrittenSelect(target.path(), select.text(), select.selectText()));
        }
    }

    private @Nullable TableEntry wildcard(Scalar target, String schema, SpecForm.TableForm form) {
        checkDistinct(target, schema + ".*");
        if (form.key() != null) {
            problems.add(
                    target,
                    "a wildcard takes each target's primary key, never a key of its own",
                    "leave key out, or name the table in an entry of its own");
        }
        Scalar select = form.select();
        if (select == null) {
            return null;
        }
        Optional<String> source = TableName.wildcardSource(select.text());
        if (source.isEmpty()) {
            problems.add(
                    select,
                    "a wildcard moves tables as they are",
                    "write SELECT * FROM schema.*, or name each table");
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
                    "keep one; several SELECTs into one table come in a later version");
        }
    }

    private void checkText(Scalar select) {
        if (select.text().isBlank()) {
            problems.add(select, "is empty", "write the SELECT that makes the target's rows");
        }
        if (!select.comment().isEmpty() && !COMMENT.matcher(select.comment()).matches()) {
            problems.add(
                    select,
                    "YAML ends this SELECT at ' #', which opens a comment",
                    "quote it or use |; a comment goes on a line of its own");
        }
    }

    private List<String> key(List<Scalar> columns, Scalar target) {
        List<String> key = new ArrayList<>();
        for (Scalar column : columns) {
            if (column.text().isEmpty()) {
                problems.add(column, "is empty", "name a column of the target");
            } else if (key.contains(column.text())) {
                problems.add(column, "names " + column.shown() + " again", "name each column once");
            }
            key.add(column.text());
        }
        if (columns.isEmpty()) {
            problems.add(
                    target.at(),
                    target.path() + ".key",
                    "is empty",
                    "name the key's columns, or leave it out for the target's primary key");
        }
        return key;
    }
}
