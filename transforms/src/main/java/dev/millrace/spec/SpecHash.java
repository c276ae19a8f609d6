package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.TableEntry;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// Computes the hash of what a file means for the target. The order of the file does not matter.
/// Neither do the databases' addresses, how rows are read, and when and how the applications move:
/// these can be changed during a migration.
public final class SpecHash {

    private SpecHash() {}

    static String of(MigrationSpec spec) {
        List<String> parts = new ArrayList<>();
        parts.add(spec.migration());
        spec.tables().stream().map(SpecHash::meaning).sorted().forEach(parts::add);
        return Fingerprint.of(parts);
    }

    private static String meaning(TableEntry entry) {
        List<String> parts = new ArrayList<>();
        switch (entry) {
            case TableEntry.Select table -> {
                parts.add("select");
                parts.add(table.target().schema());
                parts.add(table.target().name());
                parts.add(table.text().text().strip());
                parts.addAll(table.key());
            }
            case TableEntry.Wildcard wildcard -> {
                parts.add("wildcard");
                parts.add(wildcard.targetSchema());
                parts.add(wildcard.sourceSchema());
            }
        }
        return Fingerprint.joined(parts);
    }

    /// SHA-256 in hex over a list of texts. Each text is prefixed with its length, so that no two
    /// lists have the same bytes.
    public static final class Fingerprint {

        private Fingerprint() {}

        public static String of(List<String> parts) {
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                return HexFormat.of()
                        .formatHex(digest.digest(joined(parts).getBytes(StandardCharsets.UTF_8)));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }

        static String joined(List<String> parts) {
            StringBuilder joined = new StringBuilder();
            parts.forEach(part -> joined.append(part.length()).append(':').append(part));
            return joined.toString();
        }
    }
}
