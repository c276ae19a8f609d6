package dev.millrace.expression;

import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.problem.NearestName;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Node;
import dev.millrace.sql.QualifierCheck;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Numbers the columns of the source table that one mapping uses. Not thread-safe; used while one
/// statement is compiled.
public final class SourceColumns {

    private final Relation source;
    private final SelectStatement.Source from;
    private final List<String> used = new ArrayList<>();

    public SourceColumns(Relation source, SelectStatement.Source from) {
        this.source = source;
        this.from = from;
    }

    /// The names of the used columns, by their numbers.
    public List<String> used() {
        return List.copyOf(used);
    }

    public int number(String column) {
        if (!used.contains(column)) {
            used.add(column);
        }
        return used.indexOf(column);
    }

    /// The columns of a `*`.
    public List<Relation.Column> star(int at, List<String> qualifier) {
        QualifierCheck.check(from, at, qualifier);
        return source.columns();
    }

    public Relation.Column column(Node.Column node) {
        QualifierCheck.check(from, node.at(), node.qualifier());
        Optional<Relation.Column> column = source.column(node.name());
        if (column.isEmpty()) {
            List<String> names = source.columns().stream().map(Relation.Column::name).toList();
            throw new Refusal(
                    node.at(),
                    source.id() + " has no column " + node.name(),
                    NearestName.hint(node.name(), names));
        }
        checkSent(node.at(), column.get());
        return column.get();
    }

    void checkSent(int at, Relation.Column column) {
        if (column.generated()) {
            throw new Refusal(
                    at,
                    "column "
                            + column.name()
                            + " of "
                            + source.id()
                            + " is generated, and the source does not send it",
                    "write the column's expression instead");
        }
    }

    Typed read(Node.Column node) {
        Relation.Column column = column(node);
        int number = number(column.name());
        ValueType type = ValueType.ofColumn(column.type());
        Kind kind = type.kind();
        String name = column.name();
        Evaluator evaluator = cells -> value(cells.text(number), kind, name);
        TextCollation collation =
                kind.isText() ? TextCollation.of(column.collation()) : TextCollation.NONE;
        return new Typed(node.at(), type, collation, evaluator, false);
    }

    private @Nullable Object value(@Nullable String text, Kind kind, String name) {
        if (text == null) {
            return null;
        }
        try {
            return Values.read(kind, text);
        } catch (RowError error) {
            throw new RowError("column " + name + " of " + source.id() + ": " + error.reason());
        }
    }
}
