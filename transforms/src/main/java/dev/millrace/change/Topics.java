package dev.millrace.change;

/// The names of one migration in Kafka. Immutable.
public record Topics(String migration) {

    /// Topic of the source's changes, each of them once, in order per key; partitioned by source
    /// table and key.
    public String changes() {
        return prefix() + "changes";
    }

    /// Topic of the row mappings' results, in the same partitions.
    public String target() {
        return prefix() + "target";
    }

    /// Topic of the source positions: one record per Kafka transaction of capture, one partition.
    public String position() {
        return prefix() + "position";
    }

    /// Application id and consumer group of the row mappings. Each generation has its own, so that
    /// no member has to wait for one of an older generation that died without leaving.
    public String rowsApplication(int generation) {
        return prefix() + "rows." + generation;
    }

    /// Consumer group of the applier. The applier stores its offsets in the target; it commits them
    /// to Kafka for display only.
    public String applierGroup() {
        return prefix() + "applier";
    }

    /// The transactional id of capture. A new capture of the migration fences an older one by it.
    public String captureTransactionalId() {
        return prefix() + "capture";
    }

    /// The beginning of every name. No name of another stream begins with it.
    public String prefix() {
        return "millrace." + migration + ".";
    }
}
