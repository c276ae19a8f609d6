package dev.millrace.spec;

import dev.millrace.problem.Problem;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.ApiForm.Tls;
import dev.millrace.spec.setting.EffectiveSetting;
import java.util.List;
import java.util.Optional;

/// The outcome of reading a file.
public sealed interface SpecResult {

    /// @param hash SHA-256 in hex of what the file means for the target: the migration's name and
    ///   its tables, each with its SELECT and key. Addresses, credentials, order, comments and
    ///   layout don't count, so a database that moves to another host keeps the hash.
    /// @param settings those of the file, and the defaults of those that it leaves out
    /// @param access who may use the service; no part of the migration
    /// @param tls empty if the service speaks HTTP
    record Valid(
            MigrationSpec spec,
            String hash,
            List<EffectiveSetting> settings,
            AccessSetting access,
            Optional<Tls> tls)
            implements SpecResult {

        public Valid {
            settings = List.copyOf(settings);
        }

        /// A file of which only the meaning is known.
        public Valid(MigrationSpec spec, String hash) {
            this(spec, hash, List.of(), AccessSetting.NONE, Optional.empty());
        }
    }

    /// @param problems every problem of the file and of its SELECTs that can be found without a
    ///   database, in the order of the file; at least one
    record Invalid(List<Problem> problems) implements SpecResult {

        public Invalid {
            problems = List.copyOf(problems);
            if (problems.isEmpty()) {
                throw new IllegalArgumentException("an invalid file has a problem");
            }
        }
    }
}
