package dev.millrace.types;

import dev.millrace.types.TypeTable.Type;
import dev.millrace.types.TypeTable.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Writes `docs/types.md` from what the runs have proved.
final class TypeDocument {

    private static final int LONGEST = 60;

    private static final String HEAD =
            """
            # Types

            <!-- Written by TypesIT. To accept a change: ./mvnw -pl pipeline -am -Dtest=TypesIT -Dsurefire.failIfNoSpecifiedTests=false -Dtypes=accept test -->

            A type is **exact** or **refused**. There is no third verdict.

            *Exact*: the output functions of source and target print the same text for each value below,
            for NULL, for the default of a column and, where the type can be stored out of line, for a
            large value if the type has `large` among its values. The text is the same whether the value comes from an existing row (page ranges
            and `backfill: engine`), an INSERT or an UPDATE. It also is the same after an UPDATE of
            another column or of the key, which does not send a large value. Sessions of both databases
            have hostile defaults for time zone, styles, bytea, floats and arrays meanwhile.

            *Refused*: `plan` names the column or the key, says why and what to do, and nothing is
            created.

            Every build proves this from PostgreSQL 14 and 18 to 18. The Maven profile `matrix` proves it
            from 14, 15, 16, 17 and 18 to 18, and from 18 to 15. A row says *exact* only if each of these
            runs that has the type has proved all of it, by every way. A number after a value is the oldest
            version that has it: an older target rejects the row, and `millrace rejected list` names the column.

            *As key*: *exact* means that rows with this type in their key are updated, deleted and read
            again by their key. *Refused* means that equal values may have different texts. Types without
            an entry have no B-tree index.

            An array of a type, a domain over it, and a composite type or range that contains it, have the
            verdict of the type. The types of other extensions are carried as their output functions
            print them; no test covers them. `money` is proved between sessions of one locale.

            What an output function does not print is not carried; logical replication sends nothing
            else. The output function of `xml` leaves out the encoding and version 1.0 of a declaration,
            which a cast to `text` prints.

            A row of the source of at most 63 MiB is carried. A larger one is a rejected key, whose cause names
            the table and the column; all other keys go on.
            """;

    private TypeDocument() {}

    static List<String> lines(Proofs proofs) {
        List<String> lines = new ArrayList<>(HEAD.lines().toList());
        String section = "";
        for (Type type : TypeTable.TYPES) {
            if (!type.section().equals(section)) {
                section = type.section();
                lines.addAll(
                        List.of(
                                "",
                                "## " + section,
                                "",
                                "| type | verdict | as key | values |",
                                "|---|---|---|---|"));
            }
            lines.add(
                    start(type)
                            + verdict(type, proofs)
                            + " | "
                            + asKey(type, proofs)
                            + " | "
                            + values(type)
                            + " |");
        }
        return lines;
    }

    /// The beginning of the type's row.
    static String start(Type type) {
        return "| "
                + code(type.sql())
                + (type.since() == 0 ? "" : " (" + type.since() + ")")
                + " | ";
    }

    private static String verdict(Type type, Proofs proofs) {
        if (type.refused()) {
            return proofs.isRefused(type) ? "refused" : "**not refused**";
        }
        return proofs.isExact(type) ? "exact" : "**not exact**";
    }

    private static String asKey(Type type, Proofs proofs) {
        if (type.key()) {
            return proofs.isExact(type) ? "exact" : "**not exact**";
        }
        return proofs.isRefusedAsKey(type) ? "refused" : "";
    }

    private static String values(Type type) {
        return Stream.concat(
                        type.values().stream().map(TypeDocument::value),
                        type.large().stream().map(_ -> "large"))
                .collect(Collectors.joining(", "));
    }

    private static String value(Value value) {
        String text = value.expression();
        return code(text.length() > LONGEST ? text.substring(0, LONGEST) + "…" : text)
                + (value.since() == 0 ? "" : " (" + value.since() + ")");
    }

    private static String code(String text) {
        String fence = text.contains("`") ? "``" : "`";
        return fence + text.replace("|", "\\|") + fence;
    }
}
