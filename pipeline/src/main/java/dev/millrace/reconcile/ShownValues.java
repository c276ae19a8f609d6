package dev.millrace.reconcile;

import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import javax.crypto.KeyGenerator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/// How one report shows the values of one table. A value of a sensitive column becomes a hash: two
/// equal values of a report have the same hash. Its key is random, known to this process alone, and
/// another one in each report, so that a value cannot be found by hashing guesses. NULL stays NULL.
/// Immutable; thread-safe.
public final class ShownValues {

    /// A longer value is cut around the first place where the two sides differ.
    static final int MOST_CHARACTERS = 200;

    private static final int BEFORE_DIFFERENCE = 60;
    private static final int HASH_BYTES = 8;
    private static final String ALGORITHM = "HmacSHA256";
    private static final String CUT = "…";

    private final Set<String> sensitive;
    private final SecretKey key;

    private ShownValues(Set<String> sensitive, SecretKey key) {
        this.sensitive = Set.copyOf(sensitive);
        this.key = key;
    }

    /// The key of one report's hashes.
    public static final class HashKey {

        private final SecretKey key;

        public HashKey() {
            try {
                this.key = KeyGenerator.getInstance(ALGORITHM).generateKey();
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("Every Java platform has " + ALGORITHM, e);
            }
        }

        public ShownValues of(Mapping mapping, SensitiveColumns sensitive) {
            return hiding(sensitive.of(mapping));
        }

        /// @param columns whose values become hashes
        public ShownValues hiding(Set<String> columns) {
            return new ShownValues(columns, key);
        }
    }

    /// The sensitive columns, sorted.
    List<String> hashed() {
        return sensitive.stream().sorted().toList();
    }

    /// @return the whole value, or its hash; `null` for NULL
    public @Nullable String whole(String column, @Nullable String value) {
        return value == null ? null : shown(column, value);
    }

    /// @return the whole value, or its hash
    public String shown(String column, String value) {
        return sensitive.contains(column) ? hash(value) : value;
    }

    /// Both values of a column that differ.
    Cell cell(String column, @Nullable String source, @Nullable String target) {
        if (sensitive.contains(column)) {
            return new Cell(column, whole(column, source), whole(column, target));
        }
        int from = firstDifference(source, target) - BEFORE_DIFFERENCE;
        return new Cell(column, cut(source, from), cut(target, from));
    }

    private String hash(String value) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            byte[] hash = mac.doFinal(value.getBytes(StandardCharsets.UTF_8));
            return "hash:" + HexFormat.of().formatHex(hash, 0, HASH_BYTES);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has " + ALGORITHM, e);
        }
    }

    private static int firstDifference(@Nullable String one, @Nullable String other) {
        if (one == null || other == null) {
            return 0;
        }
        int at = 0;
        while (at < one.length() && at < other.length() && one.charAt(at) == other.charAt(at)) {
            at++;
        }
        return at;
    }

    private static @Nullable String cut(@Nullable String value, int from) {
        if (value == null || value.length() <= MOST_CHARACTERS) {
            return value;
        }
        int begin = boundary(value, Math.clamp(from, 0, value.length() - MOST_CHARACTERS));
        int end = boundary(value, begin + MOST_CHARACTERS);
        return (begin == 0 ? "" : CUT)
                + value.substring(begin, end)
                + (end == value.length() ? "" : CUT);
    }

    /// A pair of surrogates is not divided: half of one is no text for PostgreSQL.
    private static int boundary(String value, int at) {
        return at > 0 && at < value.length() && Character.isLowSurrogate(value.charAt(at))
                ? at - 1
                : at;
    }
}
