package dev.millrace.deploy;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Volume;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A pod template: owner, labels and its only container.
record Pod(String owner, Map<String, String> labels, PodSpec spec) {

    Pod(HasMetadata owner, PodTemplateSpec template) {
        this(
                owner.getKind() + "/" + owner.getMetadata().getName(),
                template.getMetadata().getLabels(),
                template.getSpec());
    }

    Container container() {
        if (spec.getContainers().size() != 1) {
            throw new Findings.UnreadableFile(owner, "does not have exactly one container");
        }
        return spec.getContainers().getFirst();
    }

    /// The value of an option in the arguments.
    Optional<String> option(String name) {
        List<String> arguments = container().getArgs();
        int at = arguments.indexOf(name);
        return at < 0 || at + 1 >= arguments.size()
                ? Optional.empty()
                : Optional.of(arguments.get(at + 1));
    }

    /// The number of a port that the container exposes.
    Optional<Integer> port(IntOrString port) {
        return container().getPorts().stream()
                .filter(
                        (ContainerPort one) ->
                                port.getStrVal() == null
                                        ? one.getContainerPort().equals(port.getIntVal())
                                        : port.getStrVal().equals(one.getName()))
                .map(ContainerPort::getContainerPort)
                .findFirst();
    }

    @Nullable Volume volumeAt(String path) {
        return container().getVolumeMounts().stream()
                .filter(mount -> mount.getMountPath().equals(path))
                .flatMap(
                        mount ->
                                spec.getVolumes().stream()
                                        .filter(one -> one.getName().equals(mount.getName())))
                .findFirst()
                .orElse(null);
    }

    boolean isSelectedBy(Map<String, String> selector) {
        return !selector.isEmpty() && labels.entrySet().containsAll(selector.entrySet());
    }

    boolean isSelectedBy(LabelSelector selector) {
        Map<String, String> wanted =
                selector.getMatchLabels() == null ? Map.of() : selector.getMatchLabels();
        return labels.entrySet().containsAll(wanted.entrySet())
                && selector.getMatchExpressions().stream().allMatch(this::matches);
    }

    private boolean matches(LabelSelectorRequirement requirement) {
        if (!requirement.getOperator().equals("In")) {
            throw new Findings.UnreadableFile(
                    owner, "the operator " + requirement.getOperator() + " is not in use");
        }
        String label = labels.get(requirement.getKey());
        return label != null && requirement.getValues().contains(label);
    }
}
