from missions.models.advisory import Advisory
from missions.models.claim import Claim
from missions.models.execution import Execution
from missions.models.host import WorkerHost
from missions.models.issue import GitHubFeed, GitHubIssue
from missions.models.mission import Mission, MissionProcess, Participation
from missions.models.report import Report
from missions.models.task import Dependency, RequirementLink, Review, Task

__all__ = [
    "Advisory",
    "Claim",
    "Dependency",
    "Execution",
    "GitHubFeed",
    "GitHubIssue",
    "Mission",
    "MissionProcess",
    "Participation",
    "Report",
    "RequirementLink",
    "Review",
    "Task",
    "WorkerHost",
]
