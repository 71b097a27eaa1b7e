from missions.models.advisory import Advisory
from missions.models.claim import Claim
from missions.models.execution import Execution, ExecutionOutput
from missions.models.host import WorkerHost
from missions.models.issue import GitHubFeed, GitHubIssue
from missions.models.mission import Mission, Participation
from missions.models.process import MissionCheckpoint, MissionHost, MissionProcess, MissionStanding
from missions.models.report import Report
from missions.models.task import Dependency, RequirementLink, Review, Task

__all__ = [
    "Advisory",
    "Claim",
    "Dependency",
    "Execution",
    "ExecutionOutput",
    "GitHubFeed",
    "GitHubIssue",
    "Mission",
    "MissionCheckpoint",
    "MissionHost",
    "MissionProcess",
    "MissionStanding",
    "Participation",
    "Report",
    "RequirementLink",
    "Review",
    "Task",
    "WorkerHost",
]
