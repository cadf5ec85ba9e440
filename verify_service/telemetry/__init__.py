"""What happened, for logs and metrics."""

from verify_service.telemetry import metrics_folder

metrics_folder.drop_empty()
