package dev.millrace.postgres;

import dev.millrace.change.TableId;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// The catalog's facts about a captured table that decide whether the stream still carries every
/// change of its rows. A version is the id of the transaction that wrote a catalog row: it differs
/// even after a change that was reversed. Immutable.
///
/// @param nameVersion version of the table's name
/// @param fileNode its relfilenode, which changes with TRUNCATE and with every rewrite; zero for a
///   partitioned table
/// @param replicaIdentity its replica identity and the columns of the index that defines it
/// @param columns columns by attribute number, which is never reused
/// @param descendants partitions and other inheriting tables by object id
/// @param truncatedBy the transaction of the table's last TRUNCATE in the stream, only for a
///   partitioned table; zero for none
public record PublishedTable(
        long oid,
        long owner,
        String nameVersion,
        long fileNode,
        String replicaIdentity,
        SortedMap<Integer, Column> columns,
        SortedMap<Long, Descendant> descendants,
        long truncatedBy) {

    public record Column(String name, long type, String version) {}

    /// @param version version of its `pg_class` row: the transaction that last rewrote or altered
    ///   it
    /// @param parentVersion version of its inheritance from its parent
    /// @param createdInPlace it was created as a partition and not rewritten since, so it never
    ///   contained rows of a stand-alone table
    public record Descendant(
            TableId id,
            long fileNode,
            String version,
            String replicaIdentity,
            String parentVersion,
            boolean createdInPlace) {}

    public PublishedTable {
        columns = Collections.unmodifiableSortedMap(new TreeMap<>(columns));
        descendants = Collections.unmodifiableSortedMap(new TreeMap<>(descendants));
    }

    PublishedTable with(SortedMap<Long, Descendant> members) {
        return new PublishedTable(
                oid, owner, nameVersion, fileNode, replicaIdentity, columns, members, truncatedBy);
    }

    /// A partitioned table has no rows of its own.
    public boolean isPartitioned() {
        return fileNode == 0;
    }

    public PublishedTable truncatedBy(long transaction) {
        return new PublishedTable(
                oid,
                owner,
                nameVersion,
                fileNode,
                replicaIdentity,
                columns,
                descendants,
                transaction);
    }

    /// Whether the table's last TRUNCATE in the stream is what last rewrote the descendant. Catalog
    /// rows store 32 bits of a transaction id.
    public boolean wasTruncatedInStream(Descendant each) {
        return truncatedBy != 0 && each.version().equals(Long.toString(truncatedBy & 0xFFFF_FFFFL));
    }

    /// These facts as the successor of the known ones. A dropped column stays known, because a
    /// later column of the same name is another column.
    public PublishedTable succeeding(PublishedTable known) {
        SortedMap<Integer, Column> all = new TreeMap<>(known.columns);
        columns.forEach(all::put);
        return new PublishedTable(
                oid,
                owner,
                nameVersion,
                fileNode,
                replicaIdentity,
                all,
                descendants,
                known.truncatedBy);
    }

    private record Storage(long fileNode, String parentVersion) {}

    /// Whether both describe the same files and no descendant was detached in between.
    public boolean hasSameStorageAs(PublishedTable other) {
        return fileNode == other.fileNode && storage().equals(other.storage());
    }

    private Map<Long, Storage> storage() {
        Map<Long, Storage> storage = new TreeMap<>();
        descendants.forEach(
                (oid, each) ->
                        storage.put(oid, new Storage(each.fileNode(), each.parentVersion())));
        return storage;
    }
}
