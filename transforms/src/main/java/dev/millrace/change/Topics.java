package dev.millrace.change;

/// The names on Kafka that belong to one migration.
public record Topics(String migration) {

    /// Every change of the source, once, in order per key; partitioned by source table and key.
    public String changes() {
        return prefix() + ".changes";
    }

    /// What the row mappings make of the changes, in the same partition.
    public String target() {
        return prefix() + ".target";
    }

    /// The source positions, one record per Kafka transaction of the capture; one partition.
    public String position() {
        return prefix() + ".position";
    }

    /// Application id and consumer group of the row mappings. A generation has its own, so that a
    /// member of an older one that died without leaving keeps nobody waiting.
    public String rowsApplication(int generation) {
        return prefix() + ".rows." + generation;
    }

    /// Consumer group of the applier; it stores its offsets in the target and commits them to Kafka
    /// only to be seen.
    public String applierGroup() {
        return prefix() + ".applier";
    }

    /// The capture's transactional id: a newer capture of the migration fences an older one by it.
    public String captureTransactionalId() {
        return prefix() + ".capture";
    }

    private String prefix() {
        return "millrace." + migration;
    }
}
