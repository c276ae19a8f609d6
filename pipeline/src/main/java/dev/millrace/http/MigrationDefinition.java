package dev.millrace.http;

import dev.millrace.spec.setting.EffectiveSetting;
import java.util.List;
import java.util.Optional;

/// What a migration is, as far as it stays the same while a process runs it. Contains no secret.
/// Immutable.
///
/// @param settings those of the process, then those of the file
/// @param tables in the order of the file, with wildcards expanded; empty if the migration has
///   ended
public record MigrationDefinition(List<EffectiveSetting> settings, List<TableDefinition> tables) {

    /// Nothing is known.
    public static final MigrationDefinition UNKNOWN = new MigrationDefinition(List.of(), List.of());

    public MigrationDefinition {
        settings = List.copyOf(settings);
        tables = List.copyOf(tables);
    }

    /// One target table.
    ///
    /// @param select over the source, with wildcards expanded, and with `${NAME}` as it is in the
    ///   file
    /// @param key columns of the target's key
    /// @param inverse what comes back from a row of the target, as far as it is not exact; empty if
    ///   every column comes back exactly
    public record TableDefinition(
            String target, String source, String select, List<String> key, List<Note> inverse) {

        public TableDefinition {
            key = List.copyOf(key);
            inverse = List.copyOf(inverse);
        }
    }

    /// What a check said when the process started.
    ///
    /// @param remedy what can be done; empty if nothing has to be done
    public record Note(String check, String message, String remedy) {}

    /// @param target as `schema.name`
    public Optional<TableDefinition> table(String target) {
        return tables.stream().filter(table -> table.target().equals(target)).findFirst();
    }
}
