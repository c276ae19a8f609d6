package dev.millrace.postgres;

import dev.millrace.change.TableId;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// What the source's catalog says of a captured table, as far as it decides whether the stream
/// still carries every change of its rows. Versions are the transaction ids that wrote the
/// catalog's own rows: they differ even after a change that was taken back. Immutable.
///
/// @param named version of the table's name
/// @param file where its rows lie; another one after TRUNCATE and after anything that rewrites
/// @param identity its replica identity and the columns of the index behind it
/// @param columns by their number, which is never used again
/// @param below what inherits from it, partitions and others, by object id
/// @param truncatedBy the transaction of its last TRUNCATE in the stream, of a partitioned table
///   alone; zero for none
public record PublishedTable(
        long oid,
        long owner,
        String named,
        long file,
        String identity,
        SortedMap<Integer, Column> columns,
        SortedMap<Long, Below> below,
        long truncatedBy) {

    public record Column(String name, long type, String version) {}

    /// @param version of its catalog entry: the transaction that last rewrote or altered it
    /// @param placed version of its place below its parent
    /// @param created it was created in its place, as a partition, and not rewritten since: it
    ///   never held rows as a table of its own
    public record Below(
            TableId id,
            long file,
            String version,
            String identity,
            String placed,
            boolean created) {}

    public PublishedTable {
        columns = Collections.unmodifiableSortedMap(new TreeMap<>(columns));
        below = Collections.unmodifiableSortedMap(new TreeMap<>(below));
    }

    PublishedTable with(SortedMap<Long, Below> members) {
        return new PublishedTable(oid, owner, named, file, identity, columns, members, truncatedBy);
    }

    /// Partitioned tables have no rows of their own.
    public boolean isPartitioned() {
        return file == 0;
    }

    public PublishedTable truncatedBy(long transaction) {
        return new PublishedTable(oid, owner, named, file, identity, columns, below, transaction);
    }

    /// Whether the table's last TRUNCATE in the stream is what last rewrote it. Catalog entries
    /// hold 32 bits of a transaction's id.
    public boolean wasTruncatedInTheStream(Below each) {
        return truncatedBy != 0 && each.version().equals(Long.toString(truncatedBy & 0xFFFF_FFFFL));
    }

    /// These facts as the ones to go on with. A column that is gone stays known: one that takes its
    /// name later is another one.
    public PublishedTable after(PublishedTable known) {
        SortedMap<Integer, Column> all = new TreeMap<>(known.columns);
        columns.forEach(all::put);
        return new PublishedTable(oid, owner, named, file, identity, all, below, known.truncatedBy);
    }

    private record Place(long file, String placed) {}

    /// Whether rows of this and those lie in the same files, none of which left its place between.
    public boolean isInTheFilesOf(PublishedTable other) {
        return file == other.file && places().equals(other.places());
    }

    private Map<Long, Place> places() {
        Map<Long, Place> places = new TreeMap<>();
        below.forEach((oid, each) -> places.put(oid, new Place(each.file(), each.placed())));
        return places;
    }
}
