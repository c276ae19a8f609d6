package dev.millrace.select;

import java.util.List;

/// The type that PostgreSQL brings the constants of an IN list to, together with the operand.
final class InList {

    private InList() {}

    static Kind commonKind(int at, Typed operand, List<Typed> constants) {
        Kind common = operand.kind();
        for (Typed constant : constants) {
            if (constant.isUntyped()) {
                continue;
            }
            Kind kind = constant.kind();
            if (common.isNumber() && kind.isNumber()) {
                common = Operators.wider(common, kind);
            } else if (common == Kind.UNTYPED) {
                common = kind;
            } else if (common != kind && !(common.isPlainText() && kind.isPlainText())) {
                throw new Refusal(
                        at,
                        "IN over "
                                + operand.type().shown()
                                + " and "
                                + constant.type().shown()
                                + " is not supported",
                        "CAST the items to one type");
            }
        }
        if (common == Kind.COPIED) {
            throw new Refusal(
                    at,
                    "IN over " + operand.type().shown() + " is not supported",
                    "CAST it to text");
        }
        return common == Kind.UNTYPED ? Kind.TEXT : common;
    }
}
