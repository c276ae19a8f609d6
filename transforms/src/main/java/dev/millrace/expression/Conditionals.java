package dev.millrace.expression;

import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Compiles CASE, COALESCE and NULLIF: derives the common type of the results and computes only the
/// branch that is selected. Thread-safe.
final class Conditionals {

    /// @param results one for each condition, then the one of ELSE, whose type PostgreSQL considers
    ///   first
    Typed choice(int at, List<Typed> conditions, List<Typed> results) {
        List<Typed> branches = new ArrayList<>(results);
        branches.addFirst(branches.removeLast());
        branches = new ArrayList<>(shared(at, "CASE", branches));
        branches.addLast(branches.removeFirst());
        return pruned(at, conditions, branches);
    }

    /// Evaluates constant conditions before any row, as PostgreSQL's planner does: an error in a
    /// branch that is never reached is no error.
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
        Evaluator[] conditionValues = evaluators(tests);
        Evaluator[] results = evaluators(values);
        Evaluator otherwise = last.evaluator();
        return new Typed(
                at,
                last.type(),
                collation,
                cells -> {
                    for (int i = 0; i < conditionValues.length; i++) {
                        if (Boolean.TRUE.equals(conditionValues[i].value(cells))) {
                            return results[i].value(cells);
                        }
                    }
                    return otherwise.value(cells);
                },
                false);
    }

    Typed coalesce(int at, List<Typed> arguments) {
        List<Typed> branches = shared(at, "COALESCE", arguments);
        List<Typed> candidates = new ArrayList<>();
        for (Typed branch : branches) {
            if (!branch.isConstant(null)) {
                candidates.add(branch);
            }
            if (branch.constant() && !branch.isConstant(null)) {
                break;
            }
        }
        TextCollation collation = collation(branches);
        if (candidates.isEmpty() || candidates.getFirst().constant()) {
            return (candidates.isEmpty() ? branches : candidates).getFirst().collated(collation);
        }
        Evaluator[] values = evaluators(candidates);
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

    /// The branches, each cast to the type that PostgreSQL selects for all (UNION/CASE type
    /// resolution).
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
        List<Typed> converted = new ArrayList<>();
        for (Typed branch : branches) {
            converted.add(converted(at, form, branch, target));
        }
        return converted;
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
                            + one.type().description()
                            + " and "
                            + other.type().description()
                            + " is not supported",
                    "CAST the branches to one type");
        }
        return one;
    }

    private Typed converted(int at, String form, Typed branch, ValueType target) {
        if (branch.isUntyped()) {
            if (target.kind() != Kind.COPIED) {
                return Untyped.as(branch, target.kind()).as(target);
            }
            if (!branch.isConstant(null)) {
                throw new Refusal(
                        branch.at(),
                        form + " over a string and " + target.description() + " is not supported",
                        "combine a column of that type with NULL only");
            }
            return branch.as(target);
        }
        return (target.kind() == Kind.NUMERIC ? Casts.toNumeric(branch) : branch).as(target);
    }
}
