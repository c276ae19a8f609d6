package dev.millrace.kafka;

import dev.millrace.change.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;

/// The topics and consumer groups in a cluster that belong to the streams of one migration: all
/// whose name begins with the stream's, also those of earlier generations. Every call has a timeout
/// and throws [BrokerException] if it fails. Thread-safe.
public final class StreamNames implements AutoCloseable {

    private final Admin admin;
    private final List<String> prefixes;

    /// @param kafka client settings, at least `bootstrap.servers`
    /// @param streams the identifiers of the streams
    /// @throws BrokerException if the settings are not valid
    public StreamNames(Map<String, Object> kafka, List<String> streams) {
        admin = Broker.admin(kafka);
        prefixes = streams.stream().map(stream -> new Topics(stream).prefix()).toList();
    }

    public SortedSet<String> topics() {
        return own(allTopics());
    }

    /// The topics of others. A broker still lists a topic for a moment after its deletion, so both
    /// come from one list.
    public SortedSet<String> foreignTopics() {
        SortedSet<String> all = allTopics();
        SortedSet<String> foreign = new TreeSet<>(all);
        foreign.removeAll(own(all));
        return foreign;
    }

    public SortedSet<String> groups() {
        SortedSet<String> groups = new TreeSet<>();
        Broker.await(admin.listGroups().all(), "list the consumer groups").stream()
                .map(GroupListing::groupId)
                .forEach(groups::add);
        return own(groups);
    }

    /// Deletes the groups, then the topics. A group with an active member cannot be deleted: the
    /// member of a killed process leaves when its session expires.
    public void delete() {
        SortedSet<String> groups = groups();
        if (!groups.isEmpty()) {
            Broker.await(
                    admin.deleteConsumerGroups(groups).all(),
                    "delete the consumer groups " + groups);
        }
        SortedSet<String> topics = topics();
        if (!topics.isEmpty()) {
            Broker.await(admin.deleteTopics(topics).all(), "delete the topics " + topics);
        }
    }

    private SortedSet<String> allTopics() {
        return new TreeSet<>(Broker.await(admin.listTopics().names(), "list the topics"));
    }

    private SortedSet<String> own(SortedSet<String> names) {
        SortedSet<String> own = new TreeSet<>();
        names.stream()
                .filter(name -> prefixes.stream().anyMatch(name::startsWith))
                .forEach(own::add);
        return own;
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(5));
    }
}
