package dev.millrace.rebackfill;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.capture.CapturedTable;
import dev.millrace.change.Row;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.migration.CopyMapping;
import dev.millrace.postgres.Database;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.sql.Relation;
import dev.millrace.stream.Direction;
import dev.millrace.stream.ReplicationStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A stream of one table that is not started.
public final class OneTable {

    public static final String NAME = "public.item";

    private static final Relation ITEM =
            new Relation(
                    new TableId("public", "item"),
                    List.of(
                            new Relation.Column(
                                    "id",
                                    new Relation.SqlType(
                                            "pg_catalog", "int4", "integer", -1, Optional.empty()),
                                    true,
                                    false,
                                    Relation.Collation.NONE)),
                    List.of("id"));

    private OneTable() {}

    public static Mapping mapping() {
        return CopyMapping.of(ITEM, ITEM.id());
    }

    /// The mapping, but a key of the target does not say which row of the source it is.
    public static Mapping withoutOrigin(Mapping copy) {
        return new Mapping(
                copy.source(),
                copy.target(),
                copy.outputs(),
                copy.userText(),
                copy.rendered(),
                new RowMapper() {
                    @Override
                    public MappedRow map(Row source) {
                        return copy.mapper().map(source);
                    }

                    @Override
                    public Row key(Row source) {
                        return copy.mapper().key(source);
                    }
                });
    }

    public static ReplicationStream stream(
            Mapping mapping, Backfill backfill, Endpoint endpoint, Database database) {
        return new ReplicationStream(
                Direction.FORWARD,
                "shop",
                new ReplicationStream.Side(endpoint, database),
                new ReplicationStream.Side(endpoint, database),
                new ReplicationStream.Tables(
                        List.of(mapping), List.of(new CapturedTable(ITEM, false))),
                new ReplicationStream.Settings(
                        3,
                        Map.of(),
                        Map.of(),
                        ReplicaRole.REPLICA,
                        Path.of("state"),
                        LogRetention.Policy.of(Kafka.DEFAULT_RETENTION),
                        backfill,
                        ExistingRows.READ,
                        IndexSetting.KEEP,
                        RejectedLimit.standard(),
                        ReplicationStream.Settings.DEFINITIONS,
                        SchemaChange.Setting.STANDARD));
    }
}
