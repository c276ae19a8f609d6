package dev.millrace.control.journal;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;

/// One entry of a journal: who did what when, and its place in the chain. Immutable.
///
/// @param number the place in the journal of the migration, from 1
/// @param at by the clock of the target, in microseconds
/// @param who the operator or the service
/// @param phase of the migration
/// @param event what kind of entry it is, for example `phase` or `pause`
/// @param detail a JSON object as PostgreSQL prints it
/// @param previous the hash of the entry before, in hexadecimal; [#NONE] for the first entry
/// @param hash of this entry as it is stored, in hexadecimal
public record JournalEntry(
        long number,
        Instant at,
        String who,
        String phase,
        String event,
        String detail,
        String previous,
        String hash) {

    /// What the first entry contains as the hash of the entry before.
    public static final String NONE = "0".repeat(64);

    /// Changed with every change of the canonical form.
    private static final String FORM = "millrace journal 1";

    /// The newest entry of a journal, as the control schema stores it beside the entries.
    public record Head(long number, String hash) {}

    /// Whether this entry was written right after another one, and is as it was written.
    public boolean follows(String migration, Head before) {
        return number == before.number() + 1
                && previous.equals(before.hash())
                && hashAs(migration, number).equals(hash);
    }

    /// Computes the hash of this entry under another number. Independent of the function in the
    /// control schema, which whoever may change the journal may also change.
    ///
    /// @return SHA-256 of all fields in their canonical form, in hexadecimal
    String hashAs(String migration, long place) {
        MessageDigest digest = sha256();
        for (String field :
                List.of(
                        FORM,
                        previous,
                        migration,
                        Long.toString(place),
                        Long.toString(ChronoUnit.MICROS.between(Instant.EPOCH, at)),
                        who,
                        phase,
                        event,
                        detail)) {
            byte[] bytes = field.getBytes(StandardCharsets.UTF_8);
            digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256.", e);
        }
    }
}
