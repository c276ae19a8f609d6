package dev.millrace.expression;

import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// CASE, COALESCE and NULLIF: the type that their results share, and only the branch that is asked
/// for computed.
final class Conditionals {

    /// @param results one for each condition and the one of ELSE behind them, which PostgreSQL asks
    ///   first for its type
    Typed choice(int at, List<Typed> conditions, List<Typed> results) {
        List<Typed> branches = new ArrayList<>(results);
        branches.addFirst(branches.removeLast());
        branches = new ArrayList<>(shared(at, "CASE", branches));
        branches.addLast(branches.removeFirst());
        return pruned(at, conditions, branches);
    }

    /// What a constant condition decides is decided before any row is seen, as PostgreSQL's planner
    /// does: an error in what falls away is none.
    private static Typed pruned(int at, List<Typed> conditions, List<Typed> branches) {
        List<Typed> tests = new ArrayList<>();
        List<Typed> values = new ArrayList<>();
        Typed last = branches.getLast();
        for (int i = 0; i < conditions.size(); i++) {
            if (conditions.get(i).isConstant(true)) {
                last = branches.get(i);
                break;
            }
            if (!conditions.get(i).constant()) {
                tests.add(conditions.get(i));
                values.add(branches.get(i));
            }
        }
        TextCollation collation = collation(branches);
        if (tests.isEmpty()) {
            return last.collated(collation);
        }
        Evaluator[] asked = evaluators(tests);
        Evaluator[] chosen = evaluators(values);
        Evaluator otherwise = last.evaluator();
        return new Typed(
                at,
                last.type(),
                collation,
                cells -> {
                    for (int i = 0; i < asked.length; i++) {
                        if (Boolean.TRUE.equals(asked[i].value(cells))) {
                            return chosen[i].value(cells);
                        }
                    }
                    return otherwise.value(cells);
                },
                false);
    }

    Typed coalesce(int at, List<Typed> arguments) {
        List<Typed> branches = shared(at, "COALESCE", arguments);
        List<Typed> asked = new ArrayList<>();
        for (Typed branch : branches) {
            if (!branch.isConstant(null)) {
                asked.add(branch);
            }
            if (branch.constant() && !branch.isConstant(null)) {
                break;
            }
        }
        TextCollation collation = collation(branches);
        if (asked.isEmpty() || asked.getFirst().constant()) {
            return (asked.isEmpty() ? branches : asked).getFirst().collated(collation);
        }
        Evaluator[] values = evaluators(asked);
        return new Typed(
                at,
                branches.getFirst().type(),
                collation,
                cells -> {
                    for (Evaluator value : values) {
                        Object found = value.value(cells);
                        if (found != null) {
                            return found;
                        }
                    }
                    return null;
                },
                false);
    }

    Typed nullIf(int at, Typed left, Typed right) {
        Comparison comparison = Comparison.of(at, left, right);
        Strict.Two equal = comparison.test(at, "=");
        TextCollation collation =
                comparison.left().collation().with(comparison.right().collation());
        ValueType type =
                comparison.left().kind() == Kind.VARCHAR
                        ? ValueType.TEXT
                        : comparison.left().type();
        if (left.isConstant(null) || right.isConstant(null)) {
            return comparison.left().as(type).collated(collation);
        }
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
        Typed typed = new Typed(at, type, collation, evaluator, false);
        return left.constant() && right.constant() ? Strict.computed(typed) : typed;
    }

    private static TextCollation collation(List<Typed> branches) {
        TextCollation collation = TextCollation.NONE;
        for (Typed branch : branches) {
            collation = collation.with(branch.collation());
        }
        return collation;
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
