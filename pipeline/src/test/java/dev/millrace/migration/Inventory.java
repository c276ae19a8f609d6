package dev.millrace.migration;

import dev.millrace.change.Topics;
import dev.millrace.stream.Direction;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.awaitility.Awaitility;

/// Everything but rows that both databases, their servers, Kafka and the data-dir contain of a
/// scene, one line per object.
record Inventory(SortedSet<String> objects) {

    private static final String OBJECTS =
            """
            WITH own AS (SELECT oid, nspname FROM pg_namespace
                WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema')
            SELECT 'schema ' || nspname FROM own
            UNION ALL SELECT format('relation %%I.%%I', nspname, relname) FROM pg_class c JOIN own ON own.oid = relnamespace
            UNION ALL SELECT format('type %%I.%%I', nspname, typname) FROM pg_type t JOIN own ON own.oid = typnamespace
            UNION ALL SELECT 'routine ' || p.oid::regprocedure FROM pg_proc p JOIN own ON own.oid = pronamespace
            UNION ALL SELECT format('constraint %%I.%%I', nspname, conname) FROM pg_constraint JOIN own ON own.oid = connamespace
            UNION ALL SELECT format('trigger %%I on %%s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
            UNION ALL SELECT format('identity %%s of %%I.%%I', relreplident, nspname, relname)
                FROM pg_class JOIN own ON own.oid = relnamespace WHERE relkind = 'r'
            UNION ALL SELECT 'publication ' || pubname FROM pg_publication
            UNION ALL SELECT 'subscription ' || subname FROM pg_subscription
                WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
            UNION ALL SELECT 'origin ' || roname FROM pg_replication_origin WHERE roname LIKE '%%%1$s%%'
            UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE '%%%1$s%%'
            UNION ALL SELECT format('advisory lock %%s %%s', classid, objid) FROM pg_locks
                WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """;

    static Inventory of(MigrationScene scene) throws Exception {
        SortedSet<String> objects = new TreeSet<>();
        add(objects, "source", scene.source, scene.name);
        add(objects, "target", scene.target, scene.name);
        scene.topics.names().forEach(topic -> objects.add("topic " + topic));
        try (Admin admin = Admin.create(scene.topics.kafka())) {
            admin.listGroups().all().get().stream()
                    .map(GroupListing::groupId)
                    .filter(group -> group.contains(scene.name))
                    .forEach(group -> objects.add("group " + group));
        }
        files(scene.dataDir).forEach(file -> objects.add("file " + file));
        return new Inventory(objects);
    }

    /// As [#of], for a scene that runs: waits for the consumer groups, which appear only when their
    /// offsets are committed for the first time.
    static Inventory ofRunning(MigrationScene scene) {
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> of(scene),
                        found ->
                                Stream.of(Direction.values())
                                        .map(direction -> new Topics(direction.id(scene.name)))
                                        .allMatch(found::hasGroups));
    }

    /// Whether the stream has its groups, if it has topics.
    private boolean hasGroups(Topics stream) {
        return !objects.contains("topic " + stream.target())
                || objects.contains("group " + stream.applierGroup())
                        && objects.contains("group " + stream.rowsApplication(1));
    }

    /// As [#of], for a scene that has not started. Its target may have a control schema without
    /// rows that was prepared to save time.
    static Inventory beforeStart(MigrationScene scene) throws Exception {
        scene.grant();
        SortedSet<String> objects = new TreeSet<>(of(scene).objects);
        objects.removeIf(object -> object.contains("millrace.") || object.endsWith(" millrace"));
        return new Inventory(objects);
    }

    private static void add(
            SortedSet<String> objects, String side, TestDatabase database, String name) {
        database.query(OBJECTS.formatted(name))
                .forEach(row -> objects.add(side + " " + row.getFirst()));
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.map(file -> folder.relativize(file).toString())
                    .filter(file -> !file.isEmpty())
                    .toList();
        }
    }

    /// What this inventory has and the other one has not.
    SortedSet<String> minus(Inventory other) {
        SortedSet<String> left = new TreeSet<>(objects);
        left.removeAll(other.objects);
        return left;
    }
}
