package dev.millrace.mapping;

import dev.millrace.expression.Typed;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Node;
import dev.millrace.sql.ProblemLog;
import dev.millrace.sql.Relation;
import dev.millrace.sql.ValueType;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Checks a target key: it must distinguish every two source rows and depend on the source key
/// alone. That holds for all source key columns, copied or losslessly cast, with constants added.
/// Otherwise applying the change of one row would require other rows. Not thread-safe; used for one
/// statement.
final class KeyRule {

    private static final String SUPPORTED =
            "use a copied or losslessly cast source key column, or a constant";

    private final Relation source;
    private final Relation target;
    private final boolean narrows;
    private final Set<String> fixed;
    private final ProblemLog problems;

    /// @param narrows whether an integer may be cast to a smaller type. PostgreSQL refuses a value
    ///   that does not fit, so no two values become equal
    /// @param fixed columns of the source key that have the same value in all rows
    KeyRule(
            Relation source,
            Relation target,
            boolean narrows,
            Set<String> fixed,
            ProblemLog problems) {
        this.source = source;
        this.target = target;
        this.narrows = narrows;
        this.fixed = fixed;
        this.problems = problems;
    }

    void check(int at, List<Output> outputs, List<String> targetKey) {
        if (targetKey.isEmpty()) {
            problems.add(
                    at, target.id() + " has no key", "add a primary key to the table, or set key");
            return;
        }
        if (source.key().isEmpty()) {
            problems.add(
                    at,
                    source.id() + " has no key that identifies its rows",
                    "add a primary key, or set REPLICA IDENTITY USING INDEX on a unique index"
                            + " over NOT NULL columns");
            return;
        }
        if (!sourceKeyIsText(at)) {
            return;
        }
        Set<String> missing = new LinkedHashSet<>(source.key());
        missing.removeAll(fixed);
        boolean legal = true;
        for (String column : targetKey) {
            Optional<Output> output =
                    outputs.stream().filter(o -> column.equals(o.name())).findFirst();
            if (output.isEmpty()) {
                legal = false;
                problems.add(
                        at,
                        "the SELECT does not supply "
                                + column
                                + ", which is part of the key of "
                                + target.id(),
                        "add the column to the SELECT");
            } else {
                legal &= checkColumn(column, output.get(), missing);
            }
        }
        if (legal && !missing.isEmpty()) {
            problems.add(
                    at,
                    "the key of "
                            + target.id()
                            + " does not contain "
                            + String.join(", ", missing)
                            + " of the key of "
                            + source.id()
                            + ": two rows could become one",
                    "add the column to the target's key");
        }
    }

    private boolean sourceKeyIsText(int at) {
        boolean legal = true;
        for (Relation.Column column : source.columns()) {
            if (source.key().contains(column.name()) && !KeyType.hasOneTextPerValue(column)) {
                legal = false;
                problems.add(
                        at,
                        "key column "
                                + column.name()
                                + " of "
                                + source.id()
                                + " is "
                                + column.type().formatted()
                                + (column.collation().deterministic()
                                        ? ""
                                        : " with a nondeterministic collation")
                                + ", a type in which equal values can have different texts",
                        KeyType.SUPPORTED);
            }
        }
        return legal;
    }

    private boolean checkColumn(String name, Output output, Set<String> missing) {
        if (isConstant(output)) {
            return true;
        }
        Node node = output.node();
        Relation.@Nullable Column from = origin(node);
        if (from == null || !source.key().contains(from.name())) {
            problems.add(
                    output.at(),
                    "key column "
                            + name
                            + " of "
                            + target.id()
                            + " is computed from "
                            + (from == null ? "an expression" : from.name())
                            + (from == null ? "" : ", which is not in the key of " + source.id()),
                    SUPPORTED);
            return false;
        }
        if (node instanceof Node.Cast && !isLossless(from, output.type())) {
            problems.add(
                    output.at(),
                    "key column "
                            + name
                            + " of "
                            + target.id()
                            + " is a cast of "
                            + from.name()
                            + " that can make two values equal",
                    SUPPORTED);
            return false;
        }
        boolean distinguishes =
                target.column(name).map(column -> column.collation().deterministic()).orElse(true);
        if (!distinguishes) {
            problems.add(
                    output.at(),
                    "key column "
                            + name
                            + " of "
                            + target.id()
                            + " has a nondeterministic collation, which can make two values equal",
                    "give the column a deterministic collation");
            return false;
        }
        missing.remove(from.name());
        return true;
    }

    private boolean isConstant(Output output) {
        if (!(output.value() instanceof Output.Value.Computed(Typed typed)) || !typed.constant()) {
            return false;
        }
        if (typed.value() == null) {
            problems.add(output.at(), "a key cannot be NULL", "write a value");
        }
        return true;
    }

    /// The source column that the value copies or casts.
    private Relation.@Nullable Column origin(Node node) {
        return switch (node) {
            case Node.Column(_, _, String name) -> source.column(name).orElse(null);
            case Node.Cast(_, Node.Column(_, _, String name), _) ->
                    source.column(name).orElse(null);
            default -> null;
        };
    }

    private boolean isLossless(Relation.Column column, ValueType to) {
        ValueType from = ValueType.ofColumn(column.type());
        Kind kind = from.kind();
        boolean freeText = to.kind().isPlainText() && !to.isConstrained();
        return switch (kind) {
            case INT2, INT4, INT8 ->
                    freeText
                            || to.kind().isInteger() && (narrows || kind.compareTo(to.kind()) <= 0)
                            || to.kind() == Kind.NUMERIC && !to.isConstrained();
            case TEXT, VARCHAR -> freeText || to.kind().isPlainText() && TypeFit.fits(from, to);
            case BPCHAR, UUID, DATE, TIMESTAMP, TIMESTAMPTZ, BOOL ->
                    freeText || to.kind() == kind && TypeFit.fits(from, to);
            case NUMERIC -> to.kind() == kind && !to.isConstrained();
            case UNTYPED, COPIED -> false;
        };
    }

    /// The types that a key can have: equal values have equal texts. The text of a key selects the
    /// partition; if one value had two texts, its changes would lose their order.
    static final class KeyType {

        static final String SUPPORTED =
                "a key supports smallint, integer, bigint, numeric(p,s), uuid, text, varchar, char(n),"
                        + " boolean, date, time, timestamp, timestamptz, bytea, bit, cidr, macaddr, oid"
                        + " and enums; use a unique index over such NOT NULL columns: ALTER TABLE"
                        + " ... REPLICA IDENTITY USING INDEX ...";

        private static final Set<String> NAMES =
                Set.of(
                        "int2",
                        "int4",
                        "int8",
                        "uuid",
                        "text",
                        "varchar",
                        "name",
                        "char",
                        "bool",
                        "date",
                        "time",
                        "timestamp",
                        "timestamptz",
                        "bytea",
                        "bit",
                        "varbit",
                        "cidr",
                        "macaddr",
                        "macaddr8",
                        "oid");

        /// Types whose values have one text each only when the column has a modifier.
        private static final Set<String> WHEN_CONSTRAINED = Set.of("numeric", "bpchar");

        private KeyType() {}

        static boolean hasOneTextPerValue(Relation.Column column) {
            Relation.SqlType base = ValueType.base(column.type());
            if (base.enumerated()) {
                return true;
            }
            return base.schema().equals("pg_catalog")
                    && column.collation().deterministic()
                    && (NAMES.contains(base.name())
                            || WHEN_CONSTRAINED.contains(base.name()) && base.modifier() >= 0);
        }
    }
}
