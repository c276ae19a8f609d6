package dev.millrace.sql;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A parsed expression, before its type is known. `at` is the offset of the operator for an
/// operator's result, and of the first character otherwise. Immutable.
public sealed interface Node {

    int at();

    record Column(int at, List<String> qualifier, String name) implements Node {
        public Column {
            qualifier = List.copyOf(qualifier);
        }
    }

    /// @param digits begin with a minus when the text negates a plain number
    record Number(int at, String digits, boolean integer) implements Node {}

    record Text(int at, String value) implements Node {}

    record Truth(int at, boolean value) implements Node {}

    record Null(int at) implements Node {}

    record Cast(int at, Node operand, TypeName type) implements Node {}

    record Sign(int at, boolean minus, Node operand) implements Node {}

    /// @param operator one of `+ - * / % || = <> < <= > >=`
    record Binary(int at, String operator, Node left, Node right) implements Node {}

    record Not(int at, Node operand) implements Node {}

    record And(int at, Node left, Node right) implements Node {}

    record Or(int at, Node left, Node right) implements Node {}

    record IsDistinct(int at, Node left, Node right, boolean negated) implements Node {}

    record IsNull(int at, Node operand, boolean negated) implements Node {}

    record IsTruth(int at, Node operand, Verdict verdict, boolean negated) implements Node {
        public enum Verdict {
            TRUE,
            FALSE,
            UNKNOWN
        }
    }

    record In(int at, Node operand, List<Node> items, boolean negated) implements Node {
        public In {
            items = List.copyOf(items);
        }
    }

    record Between(int at, Node operand, Node low, Node high, boolean negated) implements Node {}

    record Like(int at, Node operand, Node pattern, @Nullable Node escape, boolean negated)
            implements Node {}

    record Case(int at, @Nullable Node subject, List<When> whens, @Nullable Node otherwise)
            implements Node {
        public record When(Node condition, Node result) {}

        public Case {
            whens = List.copyOf(whens);
        }
    }

    record Coalesce(int at, List<Node> arguments) implements Node {
        public Coalesce {
            arguments = List.copyOf(arguments);
        }
    }

    record NullIf(int at, Node left, Node right) implements Node {}

    /// @param name the function's name: TRIM(BOTH ..) is `btrim`
    /// @param syntax which of PostgreSQL's two notations the text uses
    record Call(int at, String name, Syntax syntax, List<Node> arguments) implements Node {
        enum Syntax {
            PLAIN,
            KEYWORDS
        }

        public Call {
            arguments = List.copyOf(arguments);
        }
    }

    /// Replaces a part that was refused, so that the rest of the text is still parsed.
    record Refused(int at) implements Node {}

    /// The type that a CAST names.
    ///
    /// @param name as written, in lower case: `double precision`, `varchar`
    /// @param quoted true when the name is quoted: `"char"` is not `char`
    /// @param array true when brackets follow
    record TypeName(int at, String name, boolean quoted, List<Integer> modifiers, boolean array) {

        public TypeName {
            modifiers = List.copyOf(modifiers);
        }

        String sql() {
            StringBuilder sql = new StringBuilder(quoted ? SqlRenderer.quoted(name) : name);
            if (!modifiers.isEmpty()) {
                sql.append('(');
                for (int i = 0; i < modifiers.size(); i++) {
                    sql.append(i == 0 ? "" : ",").append(modifiers.get(i));
                }
                sql.append(')');
            }
            return sql.append(array ? "[]" : "").toString();
        }
    }
}
