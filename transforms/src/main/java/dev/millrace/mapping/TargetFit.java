package dev.millrace.mapping;

import dev.millrace.expression.TextFunctions;
import dev.millrace.expression.Typed;
import dev.millrace.expression.Untyped;
import dev.millrace.expression.Values;
import dev.millrace.hint.NearestName;
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

/// Judges whether the columns of the result have a place on the target and their values arrive
/// there as they are.
final class TargetFit {

    private final Relation source;
    private final Relation target;
    private final ProblemLog problems;

    TargetFit(Relation source, Relation target, ProblemLog problems) {
        this.source = source;
        this.target = target;
        this.problems = problems;
    }

    /// The outputs that are written to the target, each with a column of it; one without a name is
    /// another check's problem. A column that source and target both generate is left to the
    /// target.
    List<Output> written(List<Output> outputs) {
        List<Output> written = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Output output : outputs) {
            String name = output.name();
            if (name == null) {
                continue;
            }
            if (!names.add(name)) {
                StatementCheck.repeated(output.at(), name, problems);
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
                            + " is generated: the source"
                            + " does not send it",
                    "list the columns, with its expression in its place");
            return false;
        }
        if (column.generated()) {
            problems.add(
                    output.at(),
                    "column " + column.name() + " of " + target.id() + " is generated",
                    "leave it out");
            return false;
        }
        checkType(output, column);
        return true;
    }

    /// The columns that no row may lack; the key's are judged by the key's rule.
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
                                + " is NOT NULL without a default, and the SELECT does not supply"
                                + " it",
                        "add it to the SELECT");
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
            Relation.SqlType wanted = ValueType.base(column.type());
            problems.add(
                    output.at(),
                    type.shown()
                            + " does not fit "
                            + column.name()
                            + " of "
                            + target.id()
                            + ", which is "
                            + column.type().formatted(),
                    "add CAST(… AS " + wanted.formatted() + ")");
        }
    }

    /// A string without a type takes the column's; it must be written as that type prints it, or
    /// source and target would show two texts.
    private void checkLiteral(Output output, Typed literal, Relation.Column column) {
        Object value = literal.value();
        ValueType wanted = ValueType.ofColumn(column.type());
        if (value == null) {
            if (column.notNull()) {
                problems.add(
                        output.at(),
                        column.name() + " of " + target.id() + " is NOT NULL",
                        "write a value");
            }
            return;
        }
        if (wanted.kind() == Kind.COPIED
                || wanted.kind().isPlainText() && !wanted.isConstrained()) {
            return;
        }
        try {
            Typed constant = Untyped.as(literal, wanted.kind());
            Object taken = constant.value();
            String printed = taken == null ? "" : Values.print(taken);
            if (!printed.equals(value) || !holds(wanted, printed)) {
                problems.add(
                        output.at(),
                        "this string is not what " + column.type().formatted() + " prints",
                        "write '" + printed + "'");
            }
        } catch (Refusal refusal) {
            refusal.addTo(problems);
        }
    }

    private static boolean holds(ValueType wanted, String text) {
        if (!wanted.isConstrained()) {
            return true;
        }
        return switch (wanted.kind()) {
            case VARCHAR -> TextFunctions.length(text) <= wanted.length();
            case BPCHAR -> TextFunctions.length(text) == wanted.length();
            default -> false;
        };
    }
}
