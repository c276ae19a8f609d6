package dev.millrace.migration;

/// What one generation of the log was begun with. Everything here is asserted at each start:
/// another source, another topic or another number of partitions means that positions no longer
/// mean what they meant.
///
/// @param meaning fingerprint of the mappings
record Generation(
        int number,
        String systemIdentifier,
        int timeline,
        String sourceDatabase,
        String changesTopicId,
        String targetTopicId,
        String positionTopicId,
        int partitions,
        String meaning) {}
