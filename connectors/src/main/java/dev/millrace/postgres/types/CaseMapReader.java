package dev.millrace.postgres.types;

import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.CaseMaps.CaseMap;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads from the source how each collation changes the case of characters: one query over all code
/// points per collation, well under a second. Also tests context-dependent rules. The final sigma
/// is supported; a collation with any other such rule is left out, so that the compiler rejects it
/// by name. Stateless; uses the session of the calling thread.
public final class CaseMapReader {

    private static final String SQL_NAME =
            """
            SELECT c.oid::regcollation FROM pg_catalog.pg_collation c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
            WHERE c.collencoding IN (-1, pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding()))
                AND (c.collname = %1$s AND pg_catalog.pg_collation_is_visible(c.oid)
                    OR n.nspname || '.' || c.collname = %1$s)
            ORDER BY c.collname = %1$s DESC LIMIT 1
            """;

    private static final String EVERY_CODE_POINT =
            """
            SELECT i, lower(c), upper(c)
            FROM (SELECT i, chr(i) COLLATE %1$s AS c FROM generate_series(1, 1114111) AS i
                WHERE i NOT BETWEEN 55296 AND 57343 OFFSET 0) AS points
            WHERE lower(c) COLLATE "C" <> c OR upper(c) COLLATE "C" <> c
            """;

    /// Texts whose case depends on neighbouring characters: the dots of Turkish and Lithuanian, the
    /// accents of Greek capitals.
    private static final List<String> CONTEXT_DEPENDENT =
            List.of(
                    "I\u0307",
                    "J\u0307",
                    "I\u0300",
                    "\u012e\u0301",
                    "i\u0307",
                    "j\u0307\u0301",
                    "\u03ac\u03b9",
                    "\u03b1\u0301",
                    "\u03b1\u0345",
                    "\u03ae\u03c4\u03bf",
                    "\u03b9\u0308\u0301",
                    "A\u0587");

    private static final String FINAL_SIGMA = "A\u03a3";

    private CaseMapReader() {}

    /// @param collations names as in [dev.millrace.sql.Relation.Collation]
    /// @return the maps of the collations whose rules are supported
    public static CaseMaps read(Session source, Collection<String> collations) {
        Map<String, CaseMap> maps = new HashMap<>();
        for (String collation : Set.copyOf(collations)) {
            read(source, collation).ifPresent(map -> maps.put(collation, map));
        }
        return new CaseMaps(maps);
    }

    private static Optional<CaseMap> read(Session source, String collation) {
        List<List<@Nullable String>> names =
                source.texts(SQL_NAME.formatted(Identifier.literal(collation)));
        if (names.isEmpty()) {
            return Optional.empty();
        }
        String name = String.valueOf(names.getFirst().getFirst());
        CaseMap map = everyCodePoint(source, name);
        boolean known =
                CONTEXT_DEPENDENT.stream().allMatch(text -> isContextFree(source, name, map, text));
        boolean sigma = isContextFree(source, name, map, FINAL_SIGMA);
        Set<Integer> contextual = sigma ? Set.of() : Set.of(FINAL_SIGMA.codePointAt(1));
        return known
                ? Optional.of(new CaseMap(map.lower(), map.upper(), contextual))
                : Optional.empty();
    }

    private static CaseMap everyCodePoint(Session source, String collation) {
        Map<Integer, String> lower = new HashMap<>();
        Map<Integer, String> upper = new HashMap<>();
        for (List<@Nullable String> row : source.texts(EVERY_CODE_POINT.formatted(collation))) {
            int codePoint = Integer.parseInt(String.valueOf(row.get(0)));
            String self = Character.toString(codePoint);
            putChange(lower, codePoint, self, String.valueOf(row.get(1)));
            putChange(upper, codePoint, self, String.valueOf(row.get(2)));
        }
        return new CaseMap(lower, upper, Set.of());
    }

    private static void putChange(
            Map<Integer, String> map, int codePoint, String self, String changed) {
        if (!changed.equals(self)) {
            map.put(codePoint, changed);
        }
    }

    /// Whether the collation changes the text's case character by character.
    private static boolean isContextFree(
            Session source, String collation, CaseMap map, String text) {
        String literal = Identifier.literal(text) + " COLLATE " + collation;
        List<@Nullable String> changed =
                source.texts("SELECT lower(" + literal + "), upper(" + literal + ")").getFirst();
        return joined(text, map.lower()).equals(changed.get(0))
                && joined(text, map.upper()).equals(changed.get(1));
    }

    private static String joined(String text, Map<Integer, String> map) {
        StringBuilder result = new StringBuilder();
        text.codePoints().forEach(c -> result.append(map.getOrDefault(c, Character.toString(c))));
        return result.toString();
    }
}
