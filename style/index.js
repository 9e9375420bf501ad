import './base.css';
import './shell.css';
import './skills.css';
import './scores.css';
import './training.css';
import './agentCells.css';
import './settings.css';
import './widgets.css';
