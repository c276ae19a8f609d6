package dev.millrace.mapping;

import dev.millrace.expression.TextFunctions;
import dev.millrace.expression.Typed;
import dev.millrace.expression.Untyped;
import dev.millrace.expression.Values;
import dev.millrace.problem.NearestName;
import dev.millrace.sql.Kind;
import dev.millrace.sql.ProblemLog;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.StatementCheck;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Checks that each result column has a column on the target, and that its values arrive there
/// unchanged. Not thread-safe; used for one statement.
final class TargetFit {

    private final Relation source;
    private final Relation target;
    private final ProblemLog problems;

    TargetFit(Relation source, Relation target, ProblemLog problems) {
        this.source = source;
        this.target = target;
        this.problems = problems;
    }

    /// The outputs that are written to the target, each with a target column. An output without a
    /// name is reported elsewhere. A column that both sides generate is computed by the target.
    List<Output> written(List<Output> outputs) {
        List<Output> written = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Output output : outputs) {
            String name = output.name();
            if (name == null) {
                continue;
            }
            if (!names.add(name)) {
                StatementCheck.duplicate(output.at(), name, problems);
                continue;
            }
            Optional<Relation.Column> column = target.column(name);
            if (column.isEmpty()) {
                problems.add(
                        output.at(),
                        target.id() + " has no column " + name,
                        NearestName.hint(
                                name,
                                target.columns().stream().map(Relation.Column::name).toList()));
            } else if (isWritten(output, column.get())) {
                written.add(output);
            }
        }
        return written;
    }

    private boolean isWritten(Output output, Relation.Column column) {
        boolean generatedBySource =
                output.value() instanceof Output.Value.Copy(_, Relation.Column copied)
                        && copied.generated();
        if (generatedBySource && column.generated()) {
            return false;
        }
        if (generatedBySource) {
            problems.add(
                    output.at(),
                    "column "
                            + output.name()
                            + " of "
                            + source.id()
                            + " is generated, and the source does not send it",
                    "list the columns and write its expression instead");
            return false;
        }
        if (column.generated()) {
            problems.add(
                    output.at(),
                    "column " + column.name() + " of " + target.id() + " is generated",
                    "remove it from the SELECT");
            return false;
        }
        checkType(output, column);
        return true;
    }

    /// Reports NOT NULL columns that the SELECT does not supply. [KeyRule] checks the key's.
    void checkSupplied(int at, List<Output> written, List<String> targetKey) {
        for (Relation.Column column : target.columns()) {
            boolean needed =
                    column.notNull()
                            && !column.generated()
                            && !column.defaulted()
                            && !targetKey.contains(column.name());
            if (needed
                    && written.stream().noneMatch(output -> column.name().equals(output.name()))) {
                problems.add(
                        at,
                        "column "
                                + column.name()
                                + " of "
                                + target.id()
                                + " is NOT NULL without a default, and the SELECT does not"
                                + " supply it",
                        "add the column to the SELECT");
            }
        }
    }

    private void checkType(Output output, Relation.Column column) {
        if (output.value() instanceof Output.Value.Computed(Typed typed) && typed.isUntyped()) {
            checkLiteral(output, typed, column);
            return;
        }
        ValueType type = output.type();
        if (!TypeFit.fits(type, ValueType.ofColumn(column.type()))) {
            Relation.SqlType required = ValueType.base(column.type());
            problems.add(
                    output.at(),
                    type.description()
                            + " does not fit "
                            + column.name()
                            + " of "
                            + target.id()
                            + ", which is "
                            + column.type().formatted(),
                    "add CAST(… AS " + required.formatted() + ")");
        }
    }

    /// A string literal takes the column's type. It must be written as that type prints it, or
    /// source and target would show different texts.
    private void checkLiteral(Output output, Typed literal, Relation.Column column) {
        Object value = literal.value();
        ValueType type = ValueType.ofColumn(column.type());
        if (value == null) {
            if (column.notNull()) {
                problems.add(
                        output.at(),
                        column.name() + " of " + target.id() + " is NOT NULL",
                        "write a value");
            }
            return;
        }
        if (type.kind() == Kind.COPIED || type.kind().isPlainText() && !type.isConstrained()) {
            return;
        }
        try {
            Typed constant = Untyped.as(literal, type.kind());
            Object converted = constant.value();
            String printed = converted == null ? "" : Values.print(converted);
            if (!printed.equals(value) || !accepts(type, printed)) {
                problems.add(
                        output.at(),
                        "this string is not the text that " + column.type().formatted() + " prints",
                        "write '" + printed + "'");
            }
        } catch (Refusal refusal) {
            refusal.addTo(problems);
        }
    }

    private static boolean accepts(ValueType type, String text) {
        if (!type.isConstrained()) {
            return true;
        }
        return switch (type.kind()) {
            case VARCHAR -> TextFunctions.length(text) <= type.length();
            case BPCHAR -> TextFunctions.length(text) == type.length();
            default -> false;
        };
    }
}
