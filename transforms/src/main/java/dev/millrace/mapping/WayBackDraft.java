package dev.millrace.mapping;

import dev.millrace.sql.Node;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A [WayBack] that is not compiled yet: the SELECT over the target table that the inverses of the
/// file's SELECTs combine to. Immutable.
public sealed interface WayBackDraft {

    /// One SELECT of the file over the source table.
    ///
    /// @param inverses of each source column that is not generated, in the table's order
    record Part(
            SelectStatement forward,
            Relation source,
            Relation target,
            Map<String, Inverse> inverses) {}

    /// @param text a SELECT over the target table; its WHERE compares columns of the target's key
    ///   with constants, and so selects the rows of this source table
    record Select(Part part, String text) implements WayBackDraft {

        /// The expressions that decide whether an UPDATE leaves a lossy column unchanged.
        ///
        /// @param parsed the text
        public Map<String, WayBack.Kept> kept(SelectStatement parsed) {
            return WayBackRule.kept(part, parsed);
        }
    }

    /// Changes of the target would be lost.
    record Hindered(String reason, String remedy) implements WayBackDraft {}

    /// Drafts the way back of one source table. Target tables without a WHERE bring back the
    /// columns of its rows. Others bring back their own rows, if a row cannot move between them:
    /// changes of two tables have no order. With several drafts, each writes its own part of the
    /// source table.
    ///
    /// @param parts all SELECTs over the table, in the order of the file
    static List<WayBackDraft> of(List<Part> parts) {
        return new WayBackRule(parts).drafts();
    }

    /// The columns of the target's key that have the same value in every row that the SELECT gives.
    static Map<String, Node> constants(SelectStatement forward, Relation target) {
        Map<String, Node> constants = new LinkedHashMap<>();
        for (SelectStatement.Item item : forward.items()) {
            if (item instanceof SelectStatement.Item.Expression(_, Node node, String name)
                    && target.key().contains(name)
                    && WayBackRule.columns(node).findAny().isEmpty()) {
                constants.put(name, node);
            }
        }
        return constants;
    }
}
