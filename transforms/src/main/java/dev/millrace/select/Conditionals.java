package dev.millrace.select;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// CASE, COALESCE and NULLIF: the type that their results share, and only the branch that is asked
/// for computed.
final class Conditionals {

    /// @param results one for each condition and the one of ELSE behind them
    Typed choice(int at, List<Typed> conditions, List<Typed> results) {
        List<Typed> branches = shared(at, "CASE", results);
        Evaluator[] tests = evaluators(conditions);
        Evaluator[] values = evaluators(branches);
        Evaluator evaluator =
                cells -> {
                    for (int i = 0; i < tests.length; i++) {
                        if (Boolean.TRUE.equals(tests[i].value(cells))) {
                            return values[i].value(cells);
                        }
                    }
                    return values[tests.length].value(cells);
                };
        boolean constant =
                conditions.stream().allMatch(Typed::constant)
                        && branches.stream().allMatch(Typed::constant);
        return result(at, branches, evaluator, constant);
    }

    Typed coalesce(int at, List<Typed> arguments) {
        List<Typed> branches = shared(at, "COALESCE", arguments);
        Evaluator[] values = evaluators(branches);
        Evaluator evaluator =
                cells -> {
                    for (Evaluator value : values) {
                        Object found = value.value(cells);
                        if (found != null) {
                            return found;
                        }
                    }
                    return null;
                };
        return result(at, branches, evaluator, branches.stream().allMatch(Typed::constant));
    }

    Typed nullIf(int at, Typed left, Typed right) {
        Comparison comparison = Comparison.of(at, left, right);
        Strict.Two equal = comparison.test(at, "=");
        Evaluator first = comparison.left().evaluator();
        Evaluator second = comparison.right().evaluator();
        Evaluator evaluator =
                cells -> {
                    Object one = first.value(cells);
                    Object other = second.value(cells);
                    boolean same =
                            one != null
                                    && other != null
                                    && Boolean.TRUE.equals(equal.apply(one, other));
                    return same ? null : one;
                };
        Typed typed =
                new Typed(
                        at,
                        comparison.left().kind() == Kind.VARCHAR
                                ? ValueType.TEXT
                                : comparison.left().type(),
                        comparison.left().collation().with(comparison.right().collation()),
                        evaluator,
                        false);
        return left.constant() && right.constant() ? Strict.computed(typed) : typed;
    }

    private static Typed result(
            int at, List<Typed> branches, Evaluator evaluator, boolean constant) {
        TextCollation collation = TextCollation.NONE;
        for (Typed branch : branches) {
            collation = collation.with(branch.collation());
        }
        Typed typed = new Typed(at, branches.getFirst().type(), collation, evaluator, false);
        return constant ? Strict.computed(typed) : typed;
    }

    private static Evaluator[] evaluators(List<Typed> list) {
        return list.stream().map(Typed::evaluator).toArray(Evaluator[]::new);
    }

    /// The branches, each brought to the type that PostgreSQL chooses for all.
    private List<Typed> shared(int at, String form, List<Typed> branches) {
        @Nullable Typed chosen = null;
        for (Typed branch : branches) {
            if (branch.isUntyped()) {
                continue;
            }
            chosen = chosen == null ? branch : wider(at, form, chosen, branch);
        }
        if (chosen == null) {
            return branches.stream().map(Untyped::asText).toList();
        }
        ValueType type = chosen.type();
        boolean same = branches.stream().allMatch(branch -> branch.type().equals(type));
        ValueType target = same ? type : type.unconstrained();
        List<Typed> brought = new ArrayList<>();
        for (Typed branch : branches) {
            brought.add(brought(at, form, branch, target));
        }
        return brought;
    }

    private static Typed wider(int at, String form, Typed one, Typed other) {
        if (one.kind().isNumber() && other.kind().isNumber()) {
            return one.kind().compareTo(other.kind()) >= 0 ? one : other;
        }
        boolean fits =
                one.kind() == other.kind() && one.kind() != Kind.COPIED
                        || one.kind().isPlainText() && other.kind().isPlainText()
                        || one.kind() == Kind.COPIED && one.type().equals(other.type());
        if (!fits) {
            throw new Refusal(
                    at,
                    form
                            + " over "
                            + one.type().shown()
                            + " and "
                            + other.type().shown()
                            + " is not supported",
                    "CAST the branches to one type");
        }
        return one;
    }

    private Typed brought(int at, String form, Typed branch, ValueType target) {
        if (branch.isUntyped()) {
            if (target.kind() != Kind.COPIED) {
                return Untyped.as(branch, target.kind()).as(target);
            }
            if (!branch.isConstant(null)) {
                throw new Refusal(
                        branch.at(),
                        form + " over a string and " + target.shown() + " is not supported",
                        "only NULL can stand beside a column of that type");
            }
            return branch.as(target);
        }
        return (target.kind() == Kind.NUMERIC ? Casts.toNumeric(branch) : branch).as(target);
    }
}
