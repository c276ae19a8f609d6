package dev.millrace.spec;

import dev.millrace.change.TableId;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// The file, checked: what is migrated from where to where. Immutable for the run. Prints no secret
/// and no passed-through value.
///
/// @param migration names slot, publication, topics, groups and control rows; matches
///   `[a-z][a-z0-9_]{0,30}`
/// @param dataDir where the embedded broker keeps its log and the topologies their state; absolute
/// @param tables in the order of the file; targets are distinct, and an explicit one wins over a
///   wildcard
/// @param debezium properties of the Debezium connector that are passed through; none that Millrace
///   owns
public record MigrationSpec(
        String migration,
        Endpoint source,
        Endpoint target,
        Kafka kafka,
        Path dataDir,
        List<TableEntry> tables,
        Map<String, String> debezium) {

    public MigrationSpec {
        tables = List.copyOf(tables);
        debezium = Map.copyOf(debezium);
    }

    @Override
    public String toString() {
        return "MigrationSpec[migration="
                + migration
                + ", source="
                + source
                + ", target="
                + target
                + ", kafka="
                + kafka
                + ", dataDir="
                + dataDir
                + ", tables="
                + tables
                + ", debezium="
                + new TreeSet<>(debezium.keySet())
                + "]";
    }

    /// A PostgreSQL database.
    ///
    /// @param url begins with `jdbc:postgresql://` and carries no credentials
    public record Endpoint(String url, String username, Secret password) {}

    /// Where the log is kept.
    public sealed interface Kafka {

        int DEFAULT_PARTITIONS = 4;

        /// Of the changes topic and the target topics; fixed when they are made.
        int partitions();

        /// A single-node broker inside the process, its log under the data directory.
        record Embedded(int partitions) implements Kafka {}

        /// @param properties how to reach it: `security.*`, `sasl.*`, `ssl.*`. They may be secret.
        record External(String bootstrapServers, int partitions, Map<String, String> properties)
                implements Kafka {

            public External {
                properties = Map.copyOf(properties);
            }

            @Override
            public String toString() {
                return "External[bootstrapServers="
                        + bootstrapServers
                        + ", partitions="
                        + partitions
                        + ", properties="
                        + new TreeSet<>(properties.keySet())
                        + "]";
            }
        }
    }

    /// One entry under `tables`.
    public sealed interface TableEntry {

        /// Where the entry's key stands in the file.
        Position at();

        /// One target table, declared as one SELECT.
        ///
        /// @param select the user's own text
        /// @param key columns of the target key; empty means the target's primary key
        /// @param text where the SELECT's characters stand in the file
        record Select(TableId target, String select, List<String> key, Position at, SelectText text)
                implements TableEntry {

            public Select {
                key = List.copyOf(key);
            }

            /// A SELECT that stands in the file unchanged, beginning at `selectAt`.
            public Select(
                    TableId target,
                    String select,
                    List<String> key,
                    Position at,
                    Position selectAt) {
                this(target, select, key, at, SelectText.unchanged(select, selectAt));
            }

            /// Where the SELECT begins in the file.
            public Position selectAt() {
                return text.at(0);
            }
        }

        /// Every table of a source schema as it is, into the tables of a target schema by name.
        record Wildcard(String targetSchema, String sourceSchema, Position at)
                implements TableEntry {}
    }
}
