//! Everything of ours that is in the engine.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerSummaryStateEnum, ImageSummary};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListImagesOptions, ListVolumesOptionsBuilder};

use super::DockerEngine;
use super::failure::explain;
use crate::engine::{EngineError, IMAGE_PREFIX, Leftover, LeftoverKind, RUN_LABEL};

pub(super) async fn list(engine: &DockerEngine) -> Result<Vec<Leftover>, EngineError> {
    let mut all = containers(engine).await?;
    all.extend(volumes(engine).await?);
    all.extend(images(engine).await?);
    Ok(all)
}

fn labelled() -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![RUN_LABEL.to_owned()])])
}

async fn containers(engine: &DockerEngine) -> Result<Vec<Leftover>, EngineError> {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&labelled()).build();
    let found = engine
        .client
        .list_containers(Some(options))
        .await
        .map_err(|error| explain("listing containers", error))?;
    Ok(found
        .into_iter()
        .filter_map(|container| {
            let running = matches!(
                container.state,
                Some(
                    ContainerSummaryStateEnum::RUNNING
                        | ContainerSummaryStateEnum::PAUSED
                        | ContainerSummaryStateEnum::RESTARTING
                )
            );
            Some(Leftover {
                kind: LeftoverKind::Container,
                id: container.id?,
                labels: sorted(container.labels.unwrap_or_default()),
                running,
                // Measuring it makes the engine walk all of its files.
                size: None,
            })
        })
        .collect())
}

async fn volumes(engine: &DockerEngine) -> Result<Vec<Leftover>, EngineError> {
    let options = ListVolumesOptionsBuilder::default().filters(&labelled()).build();
    let found =
        engine.client.list_volumes(Some(options)).await.map_err(|error| explain("listing volumes", error))?;
    Ok(found
        .volumes
        .unwrap_or_default()
        .into_iter()
        .map(|volume| Leftover {
            kind: LeftoverKind::Volume,
            id: volume.name,
            labels: sorted(volume.labels),
            running: false,
            size: None,
        })
        .collect())
}

async fn images(engine: &DockerEngine) -> Result<Vec<Leftover>, EngineError> {
    let found = engine
        .client
        .list_images(None::<ListImagesOptions>)
        .await
        .map_err(|error| explain("listing images", error))?;
    Ok(found.into_iter().flat_map(ours).collect())
}

/// One entry per reference of ours, or one for an image of ours that lost its name.
///
/// Imported images carry no label, since Podman mangles one given at import; and a labelled image under another name
/// is somebody's, made from ours.
fn ours(image: ImageSummary) -> Vec<Leftover> {
    let labels = sorted(image.labels);
    let named: Vec<_> = image.repo_tags.into_iter().filter(|tag| tag != "<none>:<none>").collect();
    let ids = if named.is_empty() && labels.contains_key(RUN_LABEL) {
        vec![image.id]
    } else {
        named.into_iter().filter(|tag| tag.starts_with(IMAGE_PREFIX)).collect()
    };
    ids.into_iter()
        .map(|id| Leftover {
            kind: LeftoverKind::Image,
            id,
            labels: labels.clone(),
            running: false,
            size: u64::try_from(image.size).ok(),
        })
        .collect()
}

fn sorted(labels: HashMap<String, String>) -> BTreeMap<String, String> {
    labels.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(tags: &[&str], labelled: bool) -> Vec<String> {
        let mut image = ImageSummary { id: "sha256:1".into(), ..ImageSummary::default() };
        image.repo_tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        if labelled {
            image.labels.insert(RUN_LABEL.to_owned(), "cache".to_owned());
        }
        ours(image).into_iter().map(|leftover| leftover.id).collect()
    }

    #[test]
    fn an_image_of_ours_is_known_by_its_name_and_one_made_from_it_is_not_ours() {
        assert_eq!(ids(&["localhost/rdna-build/base:1", "mine:1"], false), ["localhost/rdna-build/base:1"]);
        assert!(ids(&["mine:1"], true).is_empty());
        assert_eq!(ids(&["<none>:<none>"], true), ["sha256:1"]);
        assert!(ids(&[], false).is_empty());
    }
}
