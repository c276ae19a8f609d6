package dev.millrace.expression;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The results of `lower` and `upper` for each code point, by collation, as computed by the source.
/// Immutable.
///
/// @param collations by the collation's name as in [Relation.Collation]; `default` is the
///   database's collation
public record CaseMaps(Map<String, CaseMap> collations) {

    public CaseMaps {
        collations = Map.copyOf(collations);
    }

    public static CaseMaps none() {
        return new CaseMaps(Map.of());
    }

    Optional<CaseMap> of(String collation) {
        return Optional.ofNullable(collations.get(collation));
    }

    /// The case map of one collation. Immutable.
    ///
    /// @param lower the result for each code point that `lower` changes
    /// @param upper the result for each code point that `upper` changes
    /// @param contextual code points whose case depends on their neighbours; a text with one of
    ///   them is rejected
    public record CaseMap(
            Map<Integer, String> lower, Map<Integer, String> upper, Set<Integer> contextual) {

        public CaseMap {
            lower = Map.copyOf(lower);
            upper = Map.copyOf(upper);
            contextual = Set.copyOf(contextual);
        }

        String lower(String text) {
            return changed(text, lower);
        }

        String upper(String text) {
            return changed(text, upper);
        }

        private String changed(String text, Map<Integer, String> map) {
            StringBuilder result = new StringBuilder(text.length());
            int i = 0;
            while (i < text.length()) {
                int codePoint = text.codePointAt(i);
                if (contextual.contains(codePoint)) {
                    throw new RowError(
                            ("the case of U+%04X depends on its neighbours in this collation,"
                                            + " which is not supported")
                                    .formatted(codePoint));
                }
                @Nullable String change = map.get(codePoint);
                if (change == null) {
                    result.appendCodePoint(codePoint);
                } else {
                    result.append(change);
                }
                i += Character.charCount(codePoint);
            }
            return result.toString();
        }
    }

    /// The union of both; on a conflict `other` takes precedence.
    public CaseMaps and(CaseMaps other) {
        Map<String, CaseMap> all = new HashMap<>(collations);
        all.putAll(other.collations);
        return new CaseMaps(all);
    }
}
